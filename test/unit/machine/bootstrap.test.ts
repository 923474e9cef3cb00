import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
  writeSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootstrapScript, LOADER } from '../../../src/machine/bootstrap.ts';
import { consolePorts } from '../../../src/machine/console-ports.ts';
import { quote } from '../../../src/base/shell.ts';
import type { GuestSpec, MachineSpec } from '../../../src/machine/spec.ts';
import { bootstrapGuest } from './specs.ts';

const SHELLS = (
  [
    ['dash', ['dash']],
    ['busybox ash', ['busybox', 'sh']],
    ['bash', ['bash', '--posix']],
  ] satisfies [string, string[]][]
).filter(([, [program]]) => isInstalled(program ?? ''));

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => {
    try {
      execFileSync(path.join(directory, program), ['--help'], { stdio: 'ignore' });
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'ENOENT';
    }
  });
}

let base: string;
beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'krun-boot-'));
});
afterEach(() => rmSync(base, { recursive: true }));

/** A guest that is a shell on this host: files play the ports, as in the stand-in for libkrun. */
class Guest {
  readonly status = path.join(base, 'dev/vport1p2');
  readonly child: ChildProcess;
  #stdout = '';
  #stderr = '';
  readonly #exited: Promise<[number | null]>;
  readonly #closed: Promise<unknown>;
  readonly #control: number;

  constructor(
    shell: readonly string[],
    guest: Partial<Extract<GuestSpec, { kind: 'bootstrap' }>>,
    shares: MachineSpec['shares'] = [],
  ) {
    mkdirSync(path.join(base, 'dev'));
    for (const [index, { name, carries }] of consolePorts(bootstrapGuest(guest)).entries()) {
      mkdirSync(path.join(base, `sys/vport1p${index}`), { recursive: true });
      writeFileSync(path.join(base, `sys/vport1p${index}/name`), `krun.${name}\n`);
      const isFile = carries === 'output' || name === 'script';
      if (!isFile) execFileSync('mkfifo', [path.join(base, `dev/vport1p${index}`)]);
    }
    mkdirSync(path.join(base, 'bin'));
    const mount = path.join(base, 'bin/mount');
    writeFileSync(
      mount,
      `#!/bin/sh\necho "$@" >>${base}/mounted\n[ -z "$(echo "$@" | grep bad)" ] || { echo "no such tag" >&2; exit 1; }\n`,
      { mode: 0o755 },
    );
    writeFileSync(
      path.join(base, 'dev/vport1p0'),
      bootstrapScript(bootstrapGuest({ workingDir: base, ...guest }), shares),
    );
    writeFileSync(this.status, '');
    // Opened for both, so that neither end waits for the other.
    this.#control = openSync(path.join(base, 'dev/vport1p1'), 'r+');
    const [program = '', ...args] = shell;
    this.child = spawn(program, args, {
      cwd: base,
      env: {
        PATH: `${base}/bin:${process.env['PATH'] ?? ''}`,
        KRUN_SYS: path.join(base, 'sys'),
        KRUN_DEV: path.join(base, 'dev'),
        KRUN_HOSTNAME_FILE: path.join(base, 'hostname'),
        KRUN_INIT: '/bin/sh',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    // From the beginning: it may end before anybody asks.
    this.#exited = once(this.child, 'exit') as Promise<[number | null]>;
    this.#closed = once(this.child, 'close');
    this.child.stdout?.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
  }

  /** Everything that is to be seen after the end. */
  async end(): Promise<{ code: number | null; status: string; stdout: string; stderr: string }> {
    // The control reader lives until the guest is switched off, and keeps the pipes open.
    const [code] = await this.#exited;
    killGroup(this.child.pid ?? 0);
    killGroup(Number(readFileSync(path.join(base, 'dev/krun.pid'), { encoding: 'utf8', flag: 'a+' })));
    await this.#closed;
    return {
      code,
      status: readFileSync(this.status, 'utf8').replaceAll(base, 'BASE'),
      stdout: this.#stdout,
      stderr: this.#stderr,
    };
  }

  send(line: string): void {
    writeSync(this.#control, `${line}\n`);
  }

  async saidReady(): Promise<void> {
    const watcher = watch(this.status);
    try {
      while (!readFileSync(this.status, 'utf8').includes('ready\n')) await once(watcher, 'change');
    } finally {
      watcher.close();
    }
  }

  async printed(text: string): Promise<void> {
    while (!this.#stdout.includes(text)) await once(this.child.stdout ?? this.child, 'data');
  }
}

function killGroup(group: number): void {
  if (group === 0) return;
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const sh = (script: string): string[] => ['/bin/sh', '-c', script];

describe.each(SHELLS)('the bootstrap script under %s', (_, shell) => {
  const run = (
    guest: Partial<Extract<GuestSpec, { kind: 'bootstrap' }>>,
    shares?: MachineSpec['shares'],
  ): Guest => new Guest([...shell, path.join(base, 'dev/vport1p0')], guest, shares);

  it('reports the exit code of the command and ends with it', async () => {
    const { code, status, stdout, stderr } = await run({
      command: sh('echo out; echo err >&2; exit 7'),
    }).end();
    expect({ code, status, stdout, stderr }).toEqual({
      code: 7,
      status: 'krun 2\nready\nexit 7\n',
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  it('passes words and variables of any text and size', async () => {
    const nasty = `${'x'.repeat(5000)}'single' "double" $HOME \`id\` \\n \\\nnext line\ttab é 日本 🎉 !! # ;`;
    const environment = { NASTY: nasty, 'dotted.name': 'a b', IFS: ':', UID: '7', EMPTY: '' };
    const guest = run({ command: ['env', '-0'], environment });
    const variables = new Map(
      (await guest.end()).stdout.split('\0').map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
    expect(Object.fromEntries(Object.keys(environment).map((name) => [name, variables.get(name)]))).toEqual(
      environment,
    );
    expect([...variables.keys()].filter((name) => /^(KRUN|krun)_|^OLDPWD$/.test(name))).toEqual([]);
  });

  it('passes arguments unchanged', async () => {
    const words = ['', '*', "it's", 'two\nlines', '$0', '-n', 'é'];
    const { stdout } = await run({ command: ['printf', '[%s]', ...words] }).end();
    expect(stdout).toBe(words.map((word) => `[${word}]`).join(''));
  });

  it('sets hostname and working directory, and leaves stdin empty', async () => {
    const { stdout } = await run({ command: sh('pwd; cat; cat hostname'), hostname: 'web-1' }).end();
    expect(stdout).toBe(`${base}\nweb-1\n`);
  });

  it.each([
    [
      'a command that is nowhere',
      { command: ['krun-no-such-command'] },
      127,
      /^error command not found in PATH \(.*\): krun-no-such-command$/m,
    ],
    ['a path that is not there', { command: ['/no/such'] }, 127, /^error command not found: \/no\/such$/m],
    ['a directory as command', { command: ['/etc'] }, 126, /^error not executable: \/etc$/m],
    [
      'a working directory that is not there',
      { workingDir: '/no/such dir' },
      125,
      /^error working_dir \/no\/such dir is not a directory in the guest$/m,
    ],
  ] as const)('names %s', async (_, guest, code, error) => {
    const ended = await run(guest).end();
    expect(ended.code).toBe(code);
    expect(ended.status).toMatch(error);
    expect(ended.status).not.toContain('ready');
    expect(ended.status.endsWith(`\nexit ${code}\n`)).toBe(true);
  });

  it('sends signals to the whole group of the command, and those that shells ignore in the background too', async () => {
    const guest = run({
      command: sh(
        // Forked before there are traps: busybox runs them in a child that has not become its program yet.
        '(trap "" HUP INT; exec sleep 10) >/dev/null & trap "echo INT; exit 3" INT; trap "echo HUP" HUP; ' +
          'echo up; while :; do wait $!; done',
      ),
    });
    await guest.printed('up');
    guest.send('unknown words');
    guest.send('signal HUP');
    await guest.printed('HUP');
    guest.send('signal INT');
    const { status, stdout } = await guest.end();
    expect(stdout).toBe('up\nHUP\nINT\n');
    expect(status).toBe('krun 2\nready\nexit 3\n');
  });

  it('reports 128 and the signal for a command that one ends, and says nothing of its own', async () => {
    const guest = run({ command: ['sleep', '100'] });
    guest.send('signal TERM');
    const { status, stderr } = await guest.end();
    expect(status).toBe('krun 2\nready\nexit 143\n');
    expect(stderr).toBe('');
  });

  it('outlives a command that signals everybody it can', async () => {
    const { status } = await run({
      command: sh('kill -TERM -$PPID $PPID 2>/dev/null; kill -TERM 0; exit 0'),
    }).end();
    expect(status).toBe('krun 2\nready\nexit 143\n');
  });
});

/** Busybox would not find what plays a tool in PATH, but take its own. */
const OTHER_SHELLS = SHELLS.filter(([name]) => name !== 'busybox ash');

describe.each(OTHER_SHELLS)('a clock under %s', (_, shell) => {
  it('that is wrong is set, with a word of how much, and one that is right is left', async () => {
    const guest = new Guest([...shell, path.join(base, 'dev/vport1p0')], {
      command: sh('echo up; sleep 100'),
    });
    await guest.printed('up');
    const date = path.join(base, 'bin/date');
    const script = `#!/bin/sh\n[ "$1" = +%s ] && echo 1000 || echo "$@" >>${base}/dates\n`;
    writeFileSync(date, script, { mode: 0o755 });
    for (const seconds of [1001, 999, 998, 2000]) guest.send(`clock ${seconds}`);
    // In order: the lines before it have been acted on.
    guest.send('signal TERM');
    await guest.end();
    expect(readFileSync(path.join(base, 'dates'), 'utf8')).toBe('-s @998\n-s @2000\n');
    expect(readFileSync(path.join(base, 'dev/vport1p3'), 'utf8')).toBe('clock 2\nclock -1000\n');
  });
});

describe.each(OTHER_SHELLS)('shares under %s', (_, shell) => {
  const share = { path: '/p', readOnly: false, daxBytes: 0 };

  it('are mounted parents first, with their options', async () => {
    const guest = new Guest(
      [...shell, path.join(base, 'dev/vport1p0')],
      {
        mounts: [
          { tag: 'b', target: `${base}/mnt/a/b`, readOnly: true },
          { tag: 'a', target: `${base}/mnt/a`, readOnly: false },
        ],
      },
      [
        { ...share, tag: 'a', daxBytes: 4096 },
        { ...share, tag: 'b' },
      ],
    );
    expect((await guest.end()).code).toBe(0);
    expect(readFileSync(path.join(base, 'mounted'), 'utf8').replaceAll(base, 'BASE')).toBe(
      '-t virtiofs -o rw,dax=always a BASE/mnt/a\n-t virtiofs -o ro b BASE/mnt/a/b\n',
    );
  });

  it('that cannot be mounted keep the command from starting', async () => {
    const mounts = [{ tag: 'bad', target: `${base}/m`, readOnly: false }];
    const guest = new Guest([...shell, path.join(base, 'dev/vport1p0')], { mounts });
    const { code, status } = await guest.end();
    expect(code).toBe(125);
    expect(status).toBe('krun 2\nerror cannot mount share bad at BASE/m: no such tag\nexit 125\n');
  });
});

describe('the loader', () => {
  it('finds the script by the name of its port', async () => {
    const guest = new Guest(['/bin/sh', '-c', LOADER], { command: sh('exit 4') });
    expect((await guest.end()).status).toBe('krun 2\nready\nexit 4\n');
  });
});

describe('quoting', () => {
  it('makes one shell word of any text', () => {
    expect(quote("it's")).toBe("'it'\\''s'");
    expect(quote('')).toBe("''");
  });
});
