import { expect, test } from 'vitest';
import { createLogView, type LogEntry, logJson } from '../../../src/view/logs.ts';

const PLAIN = { labels: ['db', 'web'], color: false, prefix: true, timestamps: false };

function entry(machine: string, text: string, more: Partial<LogEntry> = {}): LogEntry {
  return {
    origin: { machine },
    time: '2026-01-02T03:04:05.678Z',
    stream: 'stdout',
    text,
    partial: false,
    ...more,
  };
}

test('prefixes are padded to the longest name', () => {
  const view = createLogView(PLAIN);
  expect(view.entry(entry('db', 'ready'))).toBe('db  | ready\n');
  expect(view.entry(entry('web', 'hello'))).toBe('web | hello\n');
});

test('a longer name that comes later widens the prefixes from then on', () => {
  const view = createLogView(PLAIN);
  expect(view.entry(entry('worker', 'up'))).toBe('worker | up\n');
  expect(view.entry(entry('db', 'x'))).toBe('db     | x\n');
});

test('each machine has the colour of its place in the cycle', () => {
  const view = createLogView({ ...PLAIN, color: true });
  expect(view.entry(entry('db', 'x'))).toBe('\u001b[36mdb  | \u001b[39mx\n');
  expect(view.entry(entry('web', 'x'))).toBe('\u001b[33mweb | \u001b[39mx\n');
});

test('timestamps stand between prefix and text, and prefixes can be left out', () => {
  const view = createLogView({ ...PLAIN, timestamps: true });
  expect(view.entry(entry('db', 'x'))).toBe('db  | 2026-01-02T03:04:05.678Z x\n');
  const bare = createLogView({ ...PLAIN, prefix: false });
  expect(bare.entry(entry('db', 'x'))).toBe('x\n');
});

test('pieces of one line are put together again', () => {
  const view = createLogView(PLAIN);
  const text = view.entry(entry('db', 'aaa', { partial: true })) + view.entry(entry('db', 'bbb'));
  expect(text).toBe('db  | aaabbb\n');
});

test('a line that goes on is ended before another machine writes', () => {
  const view = createLogView(PLAIN);
  const parts = [
    view.entry(entry('db', 'aaa', { partial: true })),
    view.entry(entry('web', 'x')),
    view.entry(entry('db', 'bbb')),
  ];
  expect(parts.join('')).toBe('db  | aaa\nweb | x\ndb  | bbb\n');
});

test('closing ends an open line once', () => {
  const view = createLogView(PLAIN);
  view.entry(entry('db', 'aaa', { partial: true }));
  expect(view.close()).toBe('\n');
  expect(view.close()).toBe('');
});

test('what helpers and networks say is told apart from the guest', () => {
  const view = createLogView({ ...PLAIN, labels: ['web', 'web passt', 'network default'] });
  const passt = { machine: 'web', helper: 'passt' };
  const text = [
    view.entry(entry('web', 'guest', { origin: passt })),
    view.entry(entry('web', 'one', { origin: passt, stream: 'helper' })),
    view.entry(entry('web', 'two', { stream: 'helper' })),
    view.entry(entry('', 'three', { origin: { network: 'default' }, stream: 'network' })),
  ];
  expect(text.join('')).toBe(
    'web             | guest\nweb passt       | one\nweb helper      | two\nnetwork default | three\n',
  );
});

test('json names the network, or the machine and its helper', () => {
  const json = (more: Partial<LogEntry>): unknown => JSON.parse(logJson(entry('web', 'x', more)));
  const time = '2026-01-02T03:04:05.678Z';
  expect(json({ origin: { network: 'default' }, stream: 'network' })).toEqual({
    time,
    network: 'default',
    stream: 'network',
    text: 'x',
  });
  const origin = { machine: 'web', helper: 'passt' };
  expect(json({ origin, stream: 'helper' })).toEqual({
    time,
    machine: 'web',
    stream: 'helper',
    helper: 'passt',
    text: 'x',
  });
  expect(json({ origin })).toEqual({ time, machine: 'web', stream: 'stdout', text: 'x' });
});

test('json holds all of an entry', () => {
  expect(JSON.parse(logJson(entry('web', 'x', { stream: 'stderr', partial: true })))).toEqual({
    time: '2026-01-02T03:04:05.678Z',
    machine: 'web',
    stream: 'stderr',
    text: 'x',
    partial: true,
  });
});
