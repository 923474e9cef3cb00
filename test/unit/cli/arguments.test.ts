import { expect, test } from 'vitest';
import { lineCount, signalName, timeoutMs, timePoint } from '../../../src/cli/arguments.ts';
import { parseDuration, resolveTimePoint } from '../../../src/cli/time-point.ts';

const NOW = Date.parse('2026-01-02T12:00:00Z');

test.each([
  ['10m', '2026-01-02T11:50:00.000Z'],
  ['1h30m', '2026-01-02T10:30:00.000Z'],
  ['2026-01-01T08:00:00+01:00', '2026-01-01T07:00:00.000Z'],
  ['2026-01-01', '2026-01-01T00:00:00.000Z'],
  ['1767225600', '2026-01-01T00:00:00.000Z'],
])('time point %s', (text, expected) => {
  expect(resolveTimePoint(timePoint(text), NOW)).toBe(expected);
});

test.each(['yesterday', '', '10', '10x', 'm'])('%o is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test('timeouts are seconds as compose has them, or durations', () => {
  expect(timeoutMs('10')).toBe(10_000);
  expect(timeoutMs('0')).toBe(0);
  expect(timeoutMs('1m30s')).toBe(90_000);
  expect(() => timeoutMs('-1')).toThrow('Give seconds');
  expect(() => timeoutMs('99999999999')).toThrow('Give seconds');
});

test('signals have names with and without SIG, and Linux numbers', () => {
  expect([signalName('term'), signalName('SIGHUP'), signalName('9')]).toEqual([
    'SIGTERM',
    'SIGHUP',
    'SIGKILL',
  ]);
  expect(() => signalName('SIGFOO')).toThrow('Give one of');
  expect(() => signalName('77')).toThrow('Give one of');
});

test('a line count is a number or all', () => {
  expect([lineCount('0'), lineCount('12'), lineCount('all')]).toEqual([0, 12, 'all']);
  expect(() => lineCount('-3')).toThrow('Give a number');
});
