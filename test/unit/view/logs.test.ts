import { expect, test } from 'vitest';
import { createLogView, type LogEntry, logJson } from '../../../src/view/logs.ts';

const PLAIN = { machines: ['db', 'web'], color: false, prefix: true, timestamps: false };

function entry(machine: string, text: string, more: Partial<LogEntry> = {}): LogEntry {
  return { machine, time: '2026-01-02T03:04:05.678Z', stream: 'stdout', text, partial: false, ...more };
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

test('json holds all of an entry', () => {
  expect(JSON.parse(logJson(entry('web', 'x', { stream: 'stderr', partial: true })))).toEqual({
    time: '2026-01-02T03:04:05.678Z',
    machine: 'web',
    stream: 'stderr',
    text: 'x',
    partial: true,
  });
});
