import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FRAME } from '../../src/session/api.ts';
import { openSession, type Session } from '../../src/session/client.ts';
import { encodeFrame } from '../../src/session/frames.ts';
import { requestText } from '../../src/session/handshake.ts';
import { runSession } from '../../src/session/run-session.ts';
import { endOf, request, says, sh, TestGuests, type TestGuest } from './support/guest-sessions.ts';
import { until } from './support/until.ts';

let guests: TestGuests;
beforeEach(() => {
  guests = new TestGuests();
});
afterEach(() => guests.end());

const PATIENT = { timeoutMs: 20_000 };

describe('a client', () => {
  it('that vanishes has its command hung up, and then killed', async () => {
    const guest = await guests.boot();
    const file = path.join(guests.base, 'hung-up');
    const script = 'trap "" TERM; trap ": >\\"$1\\"" HUP; echo up; while :; do sleep 0.05; done';
    const session = await guest.open(sh(script, file));
    await says(session.stdout, 'up');
    session.close();
    expect(await until(() => existsSync(file), PATIENT)).toBe(true);
    const isGone = async (): Promise<boolean> => {
      const listed = await guest.run(sh('cat /proc/[0-9]*/cmdline | tr "\\\\0" " "'));
      return !JSON.stringify(listed).includes('while :; do sleep 0.05');
    };
    expect(await until(isGone, PATIENT)).toBe(true);
  });

  it('that is detached leaves its command, whose output does not matter', async () => {
    const guest = await guests.boot({ sessions: { slots: 2, terminals: 0 } });
    const [first, second] = [path.join(guests.base, 'first'), path.join(guests.base, 'second')];
    const script = 'head -c 1000000 /dev/zero; until [ -e "$1" ]; do sleep 0.05; done; echo done >"$2"';
    const session = await guest.open(sh(script, first, second), { detached: true });
    await session.started;
    session.close();
    await guest.run(sh(': >"$1"', first));
    expect(await until(() => existsSync(second), PATIENT)).toBe(true);
  });

  it('that reads late gets all of a command with which the guest ends, and its exit code', async () => {
    const guest = await guests.boot({ idle: true, sessions: { slots: 2, terminals: 0 } });
    const file = path.join(guests.base, 'written');
    // More than socket and streams hold, less than what makes the machine process wait before the end.
    const script = 'head -c 300000 /dev/zero; : >"$1"; exit 3';
    const session = await guest.open(sh(script, file), { endsGuest: true });
    expect(await until(() => existsSync(file), PATIENT)).toBe(true);
    // Whether there still is a guest for it does not matter: it would have ended meanwhile.
    await guest.run(['true']);
    expect((await buffer(session.stdout)).length).toBe(300_000);
    expect(await endOf(session)).toEqual({ exitCode: 3 });
    expect(await guest.machine.outcome()).toBe('{"kind":"exited","exit":{"code":3}}');
  });

  it('that reads nothing holds only its own session back', async () => {
    const guest = await guests.boot({ sessions: { slots: 3, terminals: 0 } });
    const bytes = 8 * 1024 * 1024;
    const stalled = await guest.open(sh('head -c "$1" /dev/zero; echo end >&2', String(bytes)));
    await stalled.started;
    expect(await guest.run(['echo', 'other'])).toMatchObject({ stdout: 'other\n' });
    const [output, errors] = await Promise.all([buffer(stalled.stdout), buffer(stalled.stderr)]);
    expect([output.length, errors.toString()]).toEqual([bytes, 'end\n']);
    expect(await stalled.end).toEqual({ exitCode: 0 });
  });

  it('waits for a slot while all are in use, and may give up', async () => {
    const guest = await guests.boot({ sessions: { slots: 2, terminals: 0 } });
    const holders = await Promise.all([
      guest.open(['cat'], { stdin: true }),
      guest.open(['cat'], { stdin: true }),
    ]);
    await Promise.all(holders.map((holder) => holder.started));
    const [gaveUp, second, third] = await Promise.all([
      guest.open(['echo', 'first']),
      guest.open(['echo', 'second']),
      guest.open(['echo', 'third']),
    ]);
    gaveUp.close();
    holders[0]?.stdin.end();
    expect((await buffer(second.stdout)).toString()).toBe('second\n');
    expect((await buffer(third.stdout)).toString()).toBe('third\n');
    holders[1]?.stdin.end();
    expect(await Promise.all(holders.map(endOf))).toEqual([{ exitCode: 0 }, { exitCode: 0 }]);
  });

  it('that is urgent has the last slot of a guest for itself', async () => {
    const guest = await guests.boot({ sessions: { slots: 4, terminals: 0 } });
    const open = (): Promise<Session> => guest.open(['cat'], { stdin: true });
    // One after the other: slots are given in that order.
    const holders = [await open(), await open(), await open(), await open()];
    await Promise.all(holders.slice(0, 3).map((holder) => holder.started));
    expect(await guest.run(['echo', 'urgent'], { urgent: true })).toMatchObject({ stdout: 'urgent\n' });
    for (const holder of holders) holder.stdin.end();
    expect(await Promise.all(holders.map(endOf))).toEqual(holders.map(() => ({ exitCode: 0 })));
  });

  it('waits for a terminal, behind which others go on', async () => {
    const guest = await guests.boot({ sessions: { slots: 3, terminals: 1 } });
    const terminal = { rows: 24, columns: 80, term: 'xterm' };
    const holder = await guest.open(sh('read line'), { stdin: true, terminal });
    await holder.started;
    const next = await guest.open(sh('stty size'), { terminal: { ...terminal, rows: 50 } });
    expect(await guest.run(['echo', 'plain'])).toMatchObject({ stdout: 'plain\n' });
    holder.stdin.write('\n');
    expect(await endOf(holder)).toEqual({ exitCode: 0 });
    expect((await buffer(next.stdout)).toString()).toBe('50 80\r\n');
  });

  it('gets the first of what a terminal prints, however soon its command ends', async () => {
    const guest = await guests.boot({ sessions: { slots: 1, terminals: 1 } });
    const terminal = { rows: 24, columns: 80, term: 'xterm' };
    for (let round = 0; round < 10; round += 1) {
      const session = await guest.open(['echo', `round ${round}`], { terminal });
      expect((await buffer(session.stdout)).toString()).toBe(`round ${round}\r\n`);
    }
  });

  it('whose command takes too long gets what it printed, and the command is killed', async () => {
    const guest = await guests.boot();
    const done = await runSession(guest.socket, request(sh('echo begun; exec sleep 1000')), {
      timeoutMs: 1500,
    });
    expect(done).toMatchObject({
      ok: true,
      value: { timedOut: true, exitCode: null, stdout: 'begun\n', error: 'it took longer than 1500 ms' },
    });
  });
});

describe('a session that is refused', () => {
  it('says that the guest has not reported in, has no agent, or has nothing to attach to', async () => {
    const slow = guests.start({}, ['slow 600000']);
    await slow.machine.wrote('status', 'krun-start');
    expect(await slow.run(['true'])).toEqual({
      kind: 'not-ready',
      message: 'the guest has not reported in yet',
    });
  });

  it('says that the guest has no agent', async () => {
    const guest = guests.start({}, [], {
      guest: { kind: 'direct', command: ['/bin/sleep', '100'], environment: {}, workingDir: '/' },
    });
    await guest.machine.wrote('status', 'krun-start');
    expect(await guest.run(['true'])).toEqual({
      kind: 'no-agent',
      message: 'the guest has no agent',
      hint: 'sessions need a machine without `agent: false`, and a shell in its root',
    });
  });

  it('says that there is no machine, or that it has just ended', async () => {
    const guest = await guests.boot();
    const session = await guest.open(['sleep', '1000']);
    await session.started;
    guest.machine.child.kill('SIGTERM');
    expect(await endOf(session)).toMatchObject({ exitCode: null, error: expect.stringMatching(/machine/) });
    await guest.machine.exited;
    expect(await guest.run(['true'])).toEqual({
      kind: 'not-running',
      message: 'the machine does not run',
      hint: '`krun up` starts it',
    });
  });

  it('says that the machine process is silent', async () => {
    const guest = await guests.boot();
    guest.machine.child.kill('SIGSTOP');
    const opened = await openSession(guest.socket, request(['true']), { answerMs: 200 });
    expect(opened).toMatchObject({ ok: false, error: { kind: 'silent' } });
    guest.machine.child.kill('SIGCONT');
    expect(await guest.run(['true'])).toMatchObject({ exitCode: 0 });
  });

  it.each([
    ['no words', { command: [] }, 'the command must be words without NUL'],
    ['a NUL', { command: ['a\0b'] }, 'the command must be words without NUL'],
    ['a bad variable', { environment: { 'A=B': '1' } }, '"A=B" cannot be a variable, or its value has a NUL'],
    ['a relative directory', { workingDir: 'tmp' }, 'the working directory "tmp" is not an absolute path'],
    [
      'an impossible size',
      { terminal: { rows: -1, columns: 80, term: 'x' } },
      'the size of the terminal is none',
    ],
  ])('says what is wrong with a request: %s', async (_, more, message) => {
    const guest = await guests.boot();
    expect(await guest.run(['true'], more)).toEqual({ kind: 'invalid', message });
  });
});

describe('whatever anybody sends', () => {
  const seed = Number(process.env['KRUN_TEST_SEED'] ?? 4711);

  /** Numbers from a seed (mulberry32), so that a failure can be repeated. */
  function random(start: number): () => number {
    let state = start;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  async function goesOn(guest: TestGuest): Promise<void> {
    expect(await guest.run(['cat'], { input: 'still here' })).toEqual({
      exitCode: 0,
      stdout: 'still here',
      stderr: '',
    });
  }

  it(`to the machine's socket, others are served (seed ${seed})`, async () => {
    const guest = await guests.boot({ sessions: { slots: 2, terminals: 1 } });
    const next = random(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
    const bytes = (most: number): Buffer =>
      Buffer.from(Array.from({ length: Math.floor(next() * most) }, () => Math.floor(next() * 256)));
    const starts = [
      requestText(JSON.stringify(request(['cat'], { stdin: true }))),
      requestText(JSON.stringify(request(['true']))),
      requestText('{"command": 7}'),
      requestText('no JSON'),
      'POST /sessions HTTP/1.1\r\nContent-Length: -5\r\n\r\n',
      'POST /sessions HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n',
      'POST /sess',
      '',
    ];
    const frames = (): Buffer =>
      pick([
        () => bytes(200),
        () => encodeFrame(Math.floor(next() * 256), bytes(50)),
        () => encodeFrame(FRAME.signal, pick(['KILL', 'nonsense name', '', '$(reboot)'])),
        () =>
          encodeFrame(FRAME.resize, pick(['{}', '{"rows":1e9,"columns":1}', 'x', '{"rows":3,"columns":4}'])),
        () => encodeFrame(FRAME.stdin, bytes(5000)),
        () => encodeFrame(FRAME.stdinEnd),
        () => Buffer.from([FRAME.stdin, 0xff, 0xff, 0xff, 0xff]),
      ])();
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        const socket = connect(guest.socket);
        socket.on('error', () => undefined).resume();
        // Not with once(), which fails with the socket's error.
        const closed = new Promise((resolve) => socket.once('close', resolve));
        socket.write(pick(starts));
        for (let count = Math.floor(next() * 6); count > 0; count -= 1) socket.write(frames());
        socket.destroySoon();
        await closed;
      }),
    );
    await goesOn(guest);
    expect(guest.machine.child.exitCode).toBe(null);
  });

  it(`from an agent that is none, the machine process goes on and clients can leave (seed ${seed})`, async () => {
    const next = random(seed);
    const word = (): string =>
      ['started 1', 'exit 1 0', 'exit 1 999', 'exit 2 7', 'error 1 text', 'terminal 1', 'clock 5', '$MARK'][
        Math.floor(next() * 8)
      ] ?? '';
    const noise = (lines: number): string =>
      Array.from({ length: lines }, () =>
        next() < 0.5 ? word() : `\\${Math.floor(next() * 256).toString(8)}x`,
      ).join(next() < 0.5 ? '\\n' : '');
    const agent = path.join(guests.base, 'agent');
    const lines = [
      '#!/usr/bin/bash',
      'cd "$KRUN_DEV"; exec 2>/dev/null 3<>vport1p4 4>>vport1p2 6>vport1p3 8>vport1p5',
      "printf 'krun 2\\nready\\n' >&4",
      'read -r _ _ MARK _ <&3',
      ...Array.from({ length: 40 }, () => `printf "${noise(20)}" >&${[3, 6, 8][Math.floor(next() * 3)]}`),
      'exec sleep 1000',
    ];
    writeFileSync(agent, lines.join('\n'), { mode: 0o755 });
    const guest = await guests.boot({}, [`put ${agent} /bin/sh`, 'no-tty']);
    const sessions = await Promise.all([
      guest.open(['cat'], { stdin: true }),
      guest.open(['true']),
      guest.open(['sh'], { stdin: true, terminal: { rows: 1, columns: 1, term: 'x' } }),
    ]);
    for (const session of sessions) {
      session.stdin.write('some input');
      session.stdout.resume();
      session.stderr.resume();
    }
    expect((await guest.machine.request('GET'))[0]).toBe(200);
    for (const session of sessions) session.close();
    expect((await guest.machine.request('GET'))[0]).toBe(200);
    expect(guest.machine.child.exitCode).toBe(null);
  });

  it('to a port of a guest that the agent has open, is stopped by the stand-in', async () => {
    const guest = await guests.boot();
    await guest.run(sh('for fd in /proc/[0-9]*/fd/6; do : >"$fd"; done'));
    await guest.machine.exited;
    expect(guest.machine.text('console')).toMatch(/port krun\.events was opened a second time/);
  });
});
