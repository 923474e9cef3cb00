import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Context } from '../../../../src/cli/context.ts';
import { resolveGlobalOptions, type GlobalOptions } from '../../../../src/cli/global-options.ts';
import { converse, tellEnd, type Conversation } from '../../../../src/cli/guest/converse.ts';
import type { Terminal } from '../../../../src/cli/guest/terminal.ts';
import type { SessionEnd, TerminalSize } from '../../../../src/session/api.ts';
import type { Session } from '../../../../src/session/client.ts';
import { createTestHost, type TestHost } from '../host.ts';

/** A session whose guest is the test, and what it was told. */
class TestSession implements Session {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly started = Promise.resolve();
  readonly end: Promise<SessionEnd>;
  readonly told: string[] = [];
  #end: (end: SessionEnd) => void = () => undefined;

  constructor() {
    this.end = new Promise((resolve) => (this.#end = resolve));
  }

  signal(name: string): void {
    this.told.push(name);
  }

  resize({ rows, columns }: TerminalSize): void {
    this.told.push(`${rows}x${columns}`);
  }

  detach(): void {
    this.told.push('detach');
  }

  close(): void {
    this.told.push('close');
  }

  finish(end: SessionEnd): void {
    this.stdout.end();
    this.stderr.end();
    this.#end(end);
  }
}

/** A terminal of the test's. */
class TestTerminal implements Terminal {
  size: TerminalSize = { rows: 24, columns: 80 };
  readonly told: string[] = [];
  #listener: ((size: TerminalSize) => void) | undefined;

  enter(): void {
    this.told.push('enter');
  }

  leave(): void {
    this.told.push('leave');
  }

  onResize(listener: (size: TerminalSize) => void): () => void {
    this.#listener = listener;
    return () => (this.#listener = undefined);
  }

  resize(size: TerminalSize): void {
    this.size = size;
    this.#listener?.(size);
  }
}

interface Scene {
  readonly session: TestSession;
  readonly host: TestHost;
  readonly context: Context;
  readonly stdin: PassThrough;
  readonly end: ReturnType<typeof converse>;
  readonly send: (signal: NodeJS.Signals) => void;
}

function begin(more: Partial<Conversation> = {}): Scene {
  let send: (signal: NodeJS.Signals) => void = () => undefined;
  const stdin = new PassThrough();
  const interrupts = { listen: (listener: typeof send) => ((send = listener), () => undefined) };
  const host = createTestHost({ stdin, interrupts });
  const context = { ...host, global: resolveGlobalOptions({}, {}) as GlobalOptions };
  const session = new TestSession();
  const conversation = { machine: 'web', session, interactive: true, detachKeys: [16, 17], ...more };
  const end = converse(context, conversation);
  return { session, host, context, stdin, end, send: (signal) => send(signal) };
}

/** Everything that comes out of a stream up to its end. */
async function all(stream: PassThrough): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

test('input goes to the command up to its end, and both outputs come out whole before the end', async () => {
  const { session, host, stdin, end } = begin();
  stdin.end('in\x10\x11\xff');
  expect(await all(session.stdin)).toBe(Buffer.from('in\x10\x11\xff').toString('latin1'));
  session.stdout.write('out');
  session.stderr.write('err');
  session.finish({ exitCode: 3 });
  expect(await end).toEqual({ kind: 'ended', end: { exitCode: 3 } });
  expect([host.out(), host.err(), session.told]).toEqual(['out', 'err', ['close']]);
});

test('a command without input sees its end at once', async () => {
  const { session, stdin, end } = begin({ interactive: false });
  stdin.write('not for the command');
  expect(await all(session.stdin)).toBe('');
  session.finish({ exitCode: 0 });
  await end;
});

test('signals reach the command; the second one that asks krun to end does end it', async () => {
  const { session, end, send } = begin();
  for (const signal of ['SIGINT', 'SIGINT', 'SIGUSR1', 'SIGTERM'] as const) send(signal);
  expect(session.told).toEqual(['SIGINT', 'SIGINT', 'SIGUSR1', 'SIGTERM']);
  send('SIGTERM');
  expect(await end).toEqual({ kind: 'signalled', signal: 'SIGTERM' });
});

test('with a terminal krun ends at the first, because a shell would ignore it', async () => {
  const terminal = new TestTerminal();
  const { host, end, send } = begin({ terminal });
  send('SIGHUP');
  expect(await end).toEqual({ kind: 'signalled', signal: 'SIGHUP' });
  expect(host.out()).toBe('\r\n');
  expect(terminal.told).toEqual(['enter', 'leave']);
});

test('a terminal tells each size, and its mode is set again after a stop', async () => {
  const terminal = new TestTerminal();
  const { session, end, send } = begin({ terminal });
  terminal.resize({ rows: 10, columns: 20 });
  send('SIGCONT');
  session.finish({ exitCode: 0 });
  await end;
  terminal.resize({ rows: 1, columns: 1 });
  expect(session.told).toEqual(['10x20', '10x20', 'close']);
  expect(terminal.told).toEqual(['enter', 'enter', 'leave']);
});

test('the end of piped input is a Ctrl-D in a terminal', async () => {
  const { session, stdin, end } = begin({ terminal: new TestTerminal() });
  stdin.end('exit\n');
  expect(await all(session.stdin)).toBe('exit\n\x04');
  session.finish({ exitCode: 0 });
  await end;
});

test('the detach keys leave a terminal', async () => {
  const terminal = new TestTerminal();
  const { session, stdin, end } = begin({ terminal });
  stdin.write('ls\x10');
  stdin.write('\x11');
  expect(await end).toEqual({ kind: 'detached' });
  expect(session.stdin.read()?.toString()).toBe('ls');
  expect(session.told).toEqual(['detach', 'close']);
  expect(terminal.told).toEqual(['enter', 'leave']);
});

test.each([
  [{ kind: 'ended', end: { exitCode: 7 } }, 7, ''],
  [
    { kind: 'ended', end: { exitCode: 127, error: 'no such command: x' } },
    127,
    'krun: web: no such command: x\n',
  ],
  [
    { kind: 'ended', end: { exitCode: null, error: 'the machine ended', hint: 'krun logs web' } },
    125,
    'krun: web: the machine ended\n  hint: krun logs web\n',
  ],
  [{ kind: 'detached' }, 0, 'detached from web\n'],
  [{ kind: 'signalled', signal: 'SIGTERM' }, 143, ''],
  [{ kind: 'signalled', signal: 'SIGHUP' }, 129, ''],
] as const)('%j has its exit code and words', (outcome, code, text) => {
  const { context, host } = begin();
  expect([tellEnd(context, 'web', outcome), host.err()]).toEqual([code, text]);
});
