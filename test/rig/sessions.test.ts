import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runSession } from '../../src/session/run-session.ts';
import { endOf, request, says, sh, TestGuests } from './support/guest-sessions.ts';

let guests: TestGuests;
beforeEach(() => {
  guests = new TestGuests();
});
afterEach(() => guests.end());

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
    const guest = await guests.boot({}, faults);
    expect(await guest.run(sh('echo out; echo err >&2; exit 7'))).toEqual({
      exitCode: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await guest.run(['cat'], { input: 'some input' })).toEqual({
      exitCode: 0,
      stdout: 'some input',
      stderr: '',
    });
    expect(await guest.run(['cat'])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await guest.run(['cat'], { input: '' })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('carry twenty times 1 MB at once, both ways, byte for byte', async () => {
    const guest = await guests.boot({ sessions: { slots: 20, terminals: 0 } }, faults);
    const same = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const bytes = randomBytes(1024 * 1024);
        const session = await guest.open(sh('cat; cat /etc/passwd >&2'), { stdin: true });
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
    const guest = await guests.boot({ environment: own }, faults);
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`V${index}`, `${index} 'x' "y" $HOME \\ é\nnext \`id\``]),
    );
    const environment = { ...many, PLAIN: 'session', 'odd-name': '1', EMPTY: '' };
    const done = await runSession(guest.socket, request(['env', '-0'], { environment }));
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
    const guest = await guests.boot({ workingDir: '/usr' }, faults);
    expect(await guest.ended(['nosuch'])).toMatchObject({
      exitCode: 127,
      error: expect.stringMatching(/^command not found in PATH \(.*\): nosuch$/),
    });
    expect(await guest.ended(['/etc'])).toEqual({ exitCode: 126, error: 'not executable: /etc' });
    expect(await guest.ended(['pwd'], { workingDir: '/no/such' })).toEqual({
      exitCode: 125,
      error: 'working_dir /no/such is not a directory in the guest',
    });
    expect(await guest.ended(['pwd'], { user: 'nobody-here' })).toEqual({
      exitCode: 125,
      error: "no user nobody-here in the guest's /etc/passwd",
    });
    expect(await guest.run(['pwd'])).toMatchObject({ stdout: '/usr\n' });
    expect(await guest.run(['pwd'], { workingDir: '/etc' })).toMatchObject({ stdout: '/etc\n' });
  });

  it('get signals in their whole process group, also those that shells ignore in the background', async () => {
    const guest = await guests.boot({}, faults);
    const session = await guest.open(
      sh('trap "echo hup" HUP; sleep 100 & echo up; while :; do wait $!; done'),
    );
    await says(session.stdout, 'up\n');
    session.signal('HUP');
    session.signal('SIGINT');
    expect(await endOf(session)).toEqual({ exitCode: 130 });
    expect(await guest.ended(sh('kill -KILL $$'))).toEqual({ exitCode: 137 });
  });

  it('end with their command, whatever it leaves behind, and the next one sees none of that', async () => {
    const guest = await guests.boot({ sessions: { slots: 1, terminals: 0 } }, faults);
    const daemon = 'trap "" HUP; (while :; do echo noise; echo noise >&2; sleep 0.01; done) & echo done';
    expect(await guest.run(sh(daemon))).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^done$/m),
    });
    // Reads of the input that nobody reads any more, too.
    expect(await guest.run(sh('sleep 1000 <&0 & exit 3'), { input: 'x'.repeat(300_000) })).toMatchObject({
      exitCode: 3,
    });
    expect(await guest.run(['echo', 'next'])).toEqual({ exitCode: 0, stdout: 'next\n', stderr: '' });
  });

  it('take input that the command does not read, and stay in step', async () => {
    const guest = await guests.boot({ sessions: { slots: 1, terminals: 0 } }, faults);
    const input = 'x'.repeat(700_000);
    expect(await guest.run(['true'], { input })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await guest.run(sh('exec <&-; echo closed'), { input })).toMatchObject({ stdout: 'closed\n' });
    expect(await guest.run(['head', '-c', '5'], { input })).toMatchObject({ stdout: 'xxxxx' });
    expect(await guest.run(['wc', '-c'], { input })).toMatchObject({ stdout: '700000\n' });
  });

  it('have terminals with a size, job control and keys', async () => {
    const guest = await guests.boot({}, faults);
    const terminal = { rows: 33, columns: 99, term: 'vt100' };
    const session = await guest.open(['/bin/sh', '-i'], {
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
    const next = await guest.open(sh('stty size; read x; echo "<$x>"'), { stdin: true, terminal });
    expect(await says(next.stdout, '\n')).toBe('33 99\r\n');
    next.stdin.write('typed\n');
    expect((await buffer(next.stdout)).toString()).toBe('typed\r\n<typed>\r\n');
  });
});
