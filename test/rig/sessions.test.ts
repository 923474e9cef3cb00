import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionEnd, SessionRequest } from '../../src/session/api.ts';
import { openSession, type Session } from '../../src/session/client.ts';
import { runSession } from '../../src/session/run-session.ts';
import { bootstrapGuest } from '../unit/machine/specs.ts';
import { MachineProcesses, type MachineProcess } from './support/machine-process.ts';

let base: string;
let machines: MachineProcesses;
beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'krun-se-'));
  machines = new MachineProcesses(base);
});
afterEach(async () => {
  await machines.end();
  rmSync(base, { recursive: true });
});

const sh = (script: string, ...words: readonly string[]): readonly string[] => [
  '/bin/sh',
  '-c',
  script,
  'sh',
  ...words,
];

/** A machine that runs for its sessions, under one of the shells that this host has. */
async function boot(
  more: Parameters<typeof bootstrapGuest>[0] = {},
  faults: readonly string[] = [],
): Promise<MachineProcess> {
  writeFileSync(path.join(base, 'root/.fake'), `${faults.join('\n')}\n`);
  const machine = machines.start('web', {
    guest: bootstrapGuest({ command: sh('exec sleep 1000'), ...more }),
  });
  await machine.wrote('status', 'ready');
  return machine;
}

function request(command: readonly string[], more: Partial<SessionRequest> = {}): SessionRequest {
  return { command, environment: {}, stdin: false, ...more };
}

async function open(
  machine: MachineProcess,
  command: readonly string[],
  more: Partial<SessionRequest> = {},
): Promise<Session> {
  const opened = await openSession(machine.spec.controlSocket, request(command, more));
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

async function run(
  machine: MachineProcess,
  command: readonly string[],
  { input, ...more }: Partial<SessionRequest> & { readonly input?: string } = {},
): Promise<object> {
  const done = await runSession(
    machine.spec.controlSocket,
    request(command, more),
    input === undefined ? {} : { input },
  );
  if (!done.ok) return done.error;
  const { timedOut: _, ...rest } = done.value;
  return rest;
}

/** Reads until the text has come. */
async function says(stream: Readable, text: string): Promise<string> {
  let seen = '';
  while (!seen.includes(text)) {
    const chunk = stream.read() as Buffer | null;
    if (chunk) seen += chunk.toString();
    else await once(stream, 'readable');
  }
  return seen;
}

const SHELLS = [
  ['dash', []],
  ['busybox ash', ['put /usr/bin/busybox /bin/sh']],
  [
    'busybox ash with the tools of busybox',
    ['sh', 'dd', 'cat', 'stty', 'setsid', 'date', 'sync', 'env'].map(
      (name) => `put /usr/bin/busybox /usr/bin/${name}`,
    ),
  ],
  ['bash', ['put /usr/bin/bash /bin/sh', 'no-tty']],
] satisfies [string, string[]][];

describe.each(SHELLS)('sessions in a guest with %s', (_, faults) => {
  it('run commands with their streams, their exit code and their input', async () => {
    const machine = await boot({}, faults);
    expect(await run(machine, sh('echo out; echo err >&2; exit 7'))).toEqual({
      exitCode: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await run(machine, ['cat'], { input: 'some input' })).toEqual({
      exitCode: 0,
      stdout: 'some input',
      stderr: '',
    });
    expect(await run(machine, ['cat'])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await run(machine, ['cat'], { input: '' })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('carry twenty times 1 MB at once, both ways, byte for byte', async () => {
    const machine = await boot({ sessions: { slots: 20, terminals: 0 } }, faults);
    const same = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const bytes = randomBytes(1024 * 1024);
        const session = await open(machine, sh('cat; cat /etc/passwd >&2'), { stdin: true });
        session.stderr.resume();
        session.stdin.end(bytes);
        const [stdout, end] = await Promise.all([buffer(session.stdout), session.end]);
        return stdout.equals(bytes) && end.exitCode === 0;
      }),
    );
    expect(same).toEqual(Array.from({ length: 20 }, () => true));
  });

  it('pass 300 variables, quotes and newlines, and add to those of the machine', async () => {
    const own = { OWN: "it's", PLAIN: 'machine', 'dotted.name': 'a "b"' };
    const machine = await boot({ environment: own }, faults);
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`V${index}`, `${index} 'x' "y" $HOME \\ é\nnext \`id\``]),
    );
    const environment = { ...many, PLAIN: 'session', 'odd-name': '1', EMPTY: '' };
    const done = await runSession(machine.spec.controlSocket, request(['env', '-0'], { environment }));
    const seen = new Map(
      (done.ok ? done.value.stdout : '').split('\0').map((line): [string, string] => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
    const wanted = { ...own, ...environment };
    expect(Object.fromEntries(Object.keys(wanted).map((name) => [name, seen.get(name)]))).toEqual(wanted);
    expect([...seen.keys()].filter((name) => /^krun_|^KRUN_|^OLDPWD$/.test(name))).toEqual([]);
  });

  it('name what is not there', async () => {
    const machine = await boot({ workingDir: '/usr' }, faults);
    const ended = async (command: string[], more: Partial<SessionRequest>): Promise<SessionEnd> => {
      const session = await open(machine, command, more);
      session.stdout.resume();
      session.stderr.resume();
      return session.end;
    };
    expect(await ended(['nosuch'], {})).toMatchObject({
      exitCode: 127,
      error: expect.stringMatching(/^command not found in PATH \(.*\): nosuch$/),
    });
    expect(await ended(['/etc'], {})).toEqual({ exitCode: 126, error: 'not executable: /etc' });
    expect(await ended(['pwd'], { workingDir: '/no/such' })).toEqual({
      exitCode: 125,
      error: 'working_dir /no/such is not a directory in the guest',
    });
    expect(await ended(['pwd'], { user: 'nobody-here' })).toEqual({
      exitCode: 125,
      error: "no user nobody-here in the guest's /etc/passwd",
    });
    expect(await run(machine, ['pwd'])).toMatchObject({ stdout: '/usr\n' });
    expect(await run(machine, ['pwd'], { workingDir: '/etc' })).toMatchObject({ stdout: '/etc\n' });
  });

  it('get signals in their whole process group, also those that shells ignore in the background', async () => {
    const machine = await boot({}, faults);
    const session = await open(
      machine,
      sh('trap "echo hup" HUP; sleep 100 & echo up; while :; do wait $!; done'),
    );
    await says(session.stdout, 'up\n');
    session.signal('HUP');
    session.stdout.resume();
    session.stderr.resume();
    session.signal('SIGINT');
    expect(await session.end).toEqual({ exitCode: 130 });
    const killed = await open(machine, sh('kill -KILL $$'));
    killed.stdout.resume();
    killed.stderr.resume();
    expect(await killed.end).toEqual({ exitCode: 137 });
  });

  it('end with their command, whatever it leaves behind, and the next one sees none of that', async () => {
    const machine = await boot({ sessions: { slots: 1, terminals: 0 } }, faults);
    const daemon = 'trap "" HUP; (while :; do echo noise; echo noise >&2; sleep 0.01; done) & echo done';
    expect(await run(machine, sh(daemon))).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^done$/m),
    });
    // Reads of the input that nobody reads any more, too.
    expect(await run(machine, sh('sleep 1000 <&0 & exit 3'), { input: 'x'.repeat(300_000) })).toMatchObject({
      exitCode: 3,
    });
    expect(await run(machine, ['echo', 'next'])).toEqual({ exitCode: 0, stdout: 'next\n', stderr: '' });
  });

  it('take input that the command does not read, and stay in step', async () => {
    const machine = await boot({ sessions: { slots: 1, terminals: 0 } }, faults);
    const input = 'x'.repeat(700_000);
    expect(await run(machine, ['true'], { input })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await run(machine, sh('exec <&-; echo closed'), { input })).toMatchObject({ stdout: 'closed\n' });
    expect(await run(machine, ['head', '-c', '5'], { input })).toMatchObject({ stdout: 'xxxxx' });
    expect(await run(machine, ['wc', '-c'], { input })).toMatchObject({ stdout: '700000\n' });
  });

  it('have terminals with a size, job control and keys', async () => {
    const machine = await boot({}, faults);
    const terminal = { rows: 33, columns: 99, term: 'vt100' };
    const session = await open(machine, ['/bin/sh', '-i'], {
      stdin: true,
      terminal,
      environment: { PS1: '$ ' },
    });
    const { stdin, stdout } = session;
    stdin.write('stty size; echo $TERM; set -m; echo jo""bs=$-\n');
    expect(await says(stdout, 'jobs=')).toMatch(/33 99\r\n.*vt100\r\n/s);
    session.resize({ rows: 10, columns: 44 });
    stdin.write('until [ "$(stty size)" = "10 44" ]; do :; done; echo resi""zed\n');
    await says(stdout, 'resized');
    stdin.write(`/bin/sh -c 'echo run""ning; exec sleep 1000'\n`);
    await says(stdout, 'running');
    stdin.write('\u0003');
    await says(stdout, '$ ');
    stdin.write('echo co""de $?\n');
    await says(stdout, 'code 130');
    stdin.write('exit 9\n');
    stdout.resume();
    expect(await session.end).toEqual({ exitCode: 9 });
    // It is sane for the next one, and empty.
    const next = await open(machine, sh('stty size; read x; echo "<$x>"'), { stdin: true, terminal });
    expect(await says(next.stdout, '\n')).toBe('33 99\r\n');
    next.stdin.write('typed\n');
    expect((await buffer(next.stdout)).toString()).toBe('typed\r\n<typed>\r\n');
  });
});
