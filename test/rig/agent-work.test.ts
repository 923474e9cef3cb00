import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GuestFile } from '../../src/machine/spec.ts';
import { openSession, type Session } from '../../src/session/client.ts';
import { endOf, says, sh, TestGuests, type TestGuest } from './support/guest-sessions.ts';

let guests: TestGuests;
beforeEach(() => {
  guests = new TestGuests();
});
afterEach(() => guests.end());

async function attach(guest: TestGuest, terminal?: { rows: number; columns: number }): Promise<Session> {
  const opened = await openSession(guest.socket, { attach: true, ...(terminal ? { terminal } : {}) });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

/** A passwd and a group of the guest, as faults that put them there. */
function accounts(): readonly string[] {
  const file = (name: string, content: string): string => {
    const place = path.join(guests.base, name);
    writeFileSync(place, content);
    return `put ${place} /etc/${name}`;
  };
  return [
    file('passwd', 'root:x:0:0:root:/root:/bin/sh\napp:x:1234:567:App:/home/app:/usr/sbin/nologin'),
    file('shadow', 'root:*:19000:0:99999:7:::\napp:*:19000:0:99999:7:::\n'),
    file('group', 'root:x:0:\nstaff:x:50:other,app\nweb:x:80:app\napp:x:567:\n'),
  ];
}

const hide = (...programs: readonly string[]): string[] => programs.map((name) => `hide /usr/bin/${name}`);

const WAYS = [
  ['setpriv', []],
  ['chroot', hide('setpriv')],
  ['su', hide('setpriv').concat('hide /usr/sbin/chroot')],
  ['perl', hide('setpriv', 'su').concat('hide /usr/sbin/chroot')],
] satisfies [string, string[]][];

describe('another user', () => {
  const IDS = 'echo "$(id -u):$(id -g) $(id -G | tr " " "\\n" | sort -n | tr "\\n" " ")$HOME"';

  it.each(WAYS)('is become by %s, with all groups', async (_, faults) => {
    const guest = await guests.boot({}, [...accounts(), ...faults]);
    expect(await guest.run(sh(IDS), { user: 'app' })).toMatchObject({
      exitCode: 0,
      stdout: '1234:567 50 80 567 /home/app\n',
    });
    // Words stay words.
    expect(await guest.run(['printf', '[%s]', '', '-n', "it's", '* $HOME'], { user: 'app' })).toMatchObject({
      stdout: "[][-n][it's][* $HOME]",
    });
    expect(await guest.run(sh('exit 7'), { user: 'app' })).toMatchObject({ exitCode: 7 });
  });

  it.each(WAYS.filter(([name]) => name !== 'su'))(
    'with numbers and a group of its own, by %s',
    async (_, faults) => {
      const guest = await guests.boot({}, [...accounts(), ...faults]);
      expect(await guest.run(sh(IDS), { user: '4321:8765' })).toMatchObject({ stdout: '4321:8765 8765 /\n' });
      expect(await guest.run(sh(IDS), { user: 'app:web' })).toMatchObject({
        stdout: '1234:80 80 /home/app\n',
      });
      expect(await guest.run(['true'], { user: 'app:nosuch' })).toMatchObject({
        exitCode: 125,
        error: "no group nosuch in the guest's /etc/group",
      });
    },
  );

  it('cannot be become without a tool, which is said; root needs none', async () => {
    const guest = await guests.boot({}, [
      ...accounts(),
      ...hide('setpriv', 'su', 'perl'),
      'hide /usr/sbin/chroot',
    ]);
    expect(await guest.run(['true'], { user: 'app' })).toMatchObject({
      exitCode: 125,
      error:
        'the guest has no setpriv (util-linux), chroot --userspec (coreutils), su or perl to become user app',
    });
    expect(await guest.run(sh('echo $HOME'), { user: 'root' })).toMatchObject({ stdout: '/root\n' });
  });

  it("is the machine's own, for its command and for sessions that name none", async () => {
    const guest = guests.start({ user: 'app', command: sh('id -un; exec sleep 1000') }, accounts());
    await guest.machine.wrote('stdout', 'app\n');
    expect(await guest.run(['id', '-u'])).toMatchObject({ stdout: '1234\n' });
    expect(await guest.run(['id', '-u'], { user: '0' })).toMatchObject({ stdout: '0\n' });
  });
});

describe('secrets and configs', () => {
  const file = (target: string, contents: Uint8Array, more: Partial<GuestFile> = {}): GuestFile => ({
    target,
    uid: 1234,
    gid: 567,
    mode: 0o440,
    contents: Buffer.from(contents).toString('base64'),
    ...more,
  });

  it('are files in memory with owner and mode, whatever bytes they hold, and lie nowhere else', async () => {
    const bytes = Uint8Array.from({ length: 5000 }, (_, index) => (index * 7) % 256);
    const directory = path.join(guests.base, 'secrets/deep');
    const guestFiles = path.join(guests.base, 'guest-files');
    const other = path.join(guests.base, 'existing');
    writeFileSync(other, "the root's\n");
    writeFileSync(
      guestFiles,
      JSON.stringify([
        file(`${directory}/token`, bytes),
        file(`${directory}/it's`, Buffer.from("-n 100% 'a'\n"), { uid: 0, gid: 0, mode: 0o600 }),
        file(`${directory}/empty`, Buffer.alloc(0)),
        file(other, Buffer.from('new\n'), { mode: 0o644 }),
      ]),
    );
    const guest = await guests.boot({}, [], { guestFiles });
    expect(existsSync(guestFiles)).toBe(false);
    const look =
      'cd "$1"; stat -c "%n %u:%g %a" *; df --output=fstype . | tail -n 1; cat "it\'s"; base64 -w 0 token';
    expect(await guest.run(sh(look, directory))).toMatchObject({
      stdout: [
        'empty 1234:567 440',
        "it's 0:0 600",
        'token 1234:567 440',
        'tmpfs',
        "-n 100% 'a'",
        Buffer.from(bytes).toString('base64'),
      ].join('\n'),
    });
    expect(await guest.run(['cat', other])).toMatchObject({ stdout: 'new\n' });
    expect(await guest.run(sh('umask'))).toMatchObject({ stdout: '0022\n' });
    expect(readFileSync(other, 'utf8')).toBe("the root's\n");
    expect(existsSync(path.join(directory, 'token'))).toBe(false);
  });

  it('that cannot be made are told', async () => {
    const guestFiles = path.join(guests.base, 'guest-files');
    writeFileSync(guestFiles, JSON.stringify([file('/proc/no-such-file', Buffer.from('x'))]));
    const guest = guests.start({}, [], { guestFiles });
    await guest.machine.outcome();
    expect(guest.machine.text('status')).toMatch(
      /^error cannot make the file \/proc\/no-such-file\nexit 125$/m,
    );
  });
});

describe("the machine's own command", () => {
  it('has a terminal, whose output is in its log to the last byte', async () => {
    const script =
      'tty; stty size; read line; echo "got $line"; until [ "$(stty size)" = "40 100" ]; do :; done; head -c 200000 /dev/zero | tr "\\0" x; echo end; exit 5';
    const guest = await guests.boot({ tty: true, command: sh(script) });
    await guest.machine.wrote('stdout', '24 80\r\n');
    const session = await attach(guest, { rows: 40, columns: 100 });
    session.stdin.write('typed\n');
    await says(session.stdout, 'got typed');
    await says(session.stdout, 'end\r\n');
    expect(await guest.machine.outcome()).toBe('{"kind":"exited","exit":{"code":5}}');
    expect(await endOf(session)).toMatchObject({ exitCode: null });
    const printed = guest.machine.text('stdout');
    expect(printed).toMatch(/^\/dev\/pts\/\d+\r\n24 80\r\ntyped\r\ngot typed\r\n(x{200000})end\r\n$/);
  });

  it('is told with its exit code to whoever is attached, where the process outlives the guest', async () => {
    const guest = await guests.boot({ tty: true, command: sh('read line; exit 5') }, ['linger']);
    const session = await attach(guest);
    session.stdin.write('\n');
    expect(await endOf(session)).toEqual({
      exitCode: null,
      error: 'the machine has ended with exit code 5',
    });
  });

  it('has job control in its terminal, and the keys of whoever is attached', async () => {
    const guest = await guests.boot({ tty: true, command: ['/bin/sh', '-i'], environment: { PS1: '$ ' } });
    const session = await attach(guest);
    session.stdin.write(`/bin/sh -c 'echo run""ning; exec sleep 1000'\n`);
    await says(session.stdout, 'running');
    session.stdin.write('\u0003');
    await says(session.stdout, '$ ');
    session.stdin.write('echo co""de $?; exit 3\n');
    await says(session.stdout, 'code 130');
    expect(await guest.machine.outcome()).toBe('{"kind":"exited","exit":{"code":3}}');
  });

  it('reads what clients that attach send, one after the other', async () => {
    const guest = await guests.boot({
      stdinOpen: true,
      command: sh('while read -r line; do echo "got $line"; done'),
    });
    for (const word of ['one', 'two']) {
      const session = await attach(guest);
      session.stdin.end(`${word}\n`);
      await guest.machine.wrote('stdout', `got ${word}\n`);
      session.close();
    }
    guest.machine.child.kill('SIGTERM');
    expect(await guest.machine.outcome()).toBe('{"kind":"exited","exit":{"code":143}}');
  });

  it('cannot be attached to without either', async () => {
    const guest = await guests.boot();
    expect(await openSession(guest.socket, { attach: true })).toMatchObject({
      ok: false,
      error: { kind: 'invalid', message: "the machine's command has neither a terminal nor an input" },
    });
  });

  it('need not be: a machine may live for its sessions', async () => {
    const guest = await guests.boot({ idle: true });
    expect(await guest.run(['echo', 'here'])).toMatchObject({ stdout: 'here\n' });
    guest.machine.child.kill('SIGTERM');
    expect(await guest.machine.outcome()).toBe('{"kind":"exited","exit":{"code":0}}');
  });
});

describe('a stop command', () => {
  const WAITS =
    'trap "echo asked; exit 4" TERM; trap "echo signalled; exit 5" INT; echo up; while :; do sleep 0.05; done';

  it('is run in place of the signal', async () => {
    const guest = await guests.boot(
      {
        command: sh(WAITS),
        stopCommand: sh('kill -TERM "$(cat "$KRUN_PID")"'),
        environment: { KRUN_PID: '' },
      },
      [],
      { stopSignal: 'SIGINT' },
    );
    await guest.machine.wrote('stdout', 'up');
    guest.machine.child.kill('SIGTERM');
    await guest.machine.exited;
    // It fails: it has no such file. So the signal is sent after all, and it is said why.
    expect(await guest.machine.outcome()).toBe('{"kind":"exited","exit":{"code":5}}');
    expect(guest.machine.text('console')).toMatch(
      /the stop command failed with exit code \d+: .*; the stop signal is sent/s,
    );
  });

  it('that succeeds is all that is done', async () => {
    const file = path.join(guests.base, 'stop');
    const waits = `until [ -e "$1" ]; do sleep 0.05; done; exit 6`;
    const guest = await guests.boot({ command: sh(waits, file), stopCommand: sh(': >"$1"', file) }, [], {
      stopSignal: 'SIGINT',
    });
    guest.machine.child.kill('SIGTERM');
    expect(await guest.machine.outcome()).toBe('{"kind":"exited","exit":{"code":6}}');
  });

  it('that is late is followed by the signal', async () => {
    const guest = await guests.boot(
      { command: sh(WAITS), stopCommand: ['sleep', '1000'], stopGracePeriodMs: 500 },
      [],
      { stopSignal: 'SIGINT' },
    );
    await guest.machine.wrote('stdout', 'up');
    guest.machine.child.kill('SIGTERM');
    expect(await guest.machine.outcome()).toBe('{"kind":"exited","exit":{"code":5}}');
  });
});

describe('a guest that lacks a tool', () => {
  const ended = async (lacks: string, command: readonly string[], more: object): Promise<object> => {
    const guest = await guests.boot({}, hide(lacks));
    return guest.ended(command, more);
  };

  it('names it where it is needed', async () => {
    expect(await ended('cat', ['true'], {})).toEqual({ exitCode: 125, error: 'the guest has no cat' });
  });

  it('names the tool for input', async () => {
    expect(await ended('dd', ['true'], { stdin: true })).toEqual({
      exitCode: 125,
      error: 'the guest has no dd',
    });
  });

  it('names the tool for terminals', async () => {
    const terminal = { rows: 24, columns: 80, term: 'xterm' };
    expect(await ended('stty', ['true'], { terminal })).toEqual({
      exitCode: 125,
      error: 'the guest has no stty, which a terminal needs',
    });
  });

  it('says once that there is no job control', async () => {
    const guest = await guests.boot({}, hide('setsid'));
    const terminal = { rows: 24, columns: 80, term: 'xterm' };
    expect(await guest.run(['echo', 'hello'], { terminal })).toMatchObject({
      exitCode: 0,
      stdout:
        'krun: the guest has no setsid with the option -c: no job control, and no Ctrl-C, in this terminal\r\nhello\r\n',
    });
    expect(await guest.run(sh('sleep 1000 & exit 3'))).toMatchObject({ exitCode: 3 });
  });

  it('is given input slowly by a dd that cannot wait for a whole block', async () => {
    const dd = path.join(guests.base, 'dd');
    writeFileSync(dd, '#!/bin/sh\ncase "$*" in *iflag=*) exit 1 ;; esac\nexec /usr/bin/busybox dd "$@"\n', {
      mode: 0o755,
    });
    const guest = await guests.boot({ sessions: { slots: 1, terminals: 0 } }, [`put ${dd} /usr/bin/dd`]);
    const input = 'x'.repeat(20_000);
    expect(await guest.run(['wc', '-c'], { input })).toMatchObject({ stdout: '20000\n' });
    expect(await guest.run(['head', '-c', '2'], { input })).toMatchObject({ stdout: 'xx' });
    expect(await guest.run(['echo', 'next'])).toMatchObject({ stdout: 'next\n' });
  });
});
