import { expect, test } from 'vitest';
import { copyDirection } from '../../../src/cli/copy-direction.ts';
import { copyCountText } from '../../../src/view/copy.ts';

const NONE = { stdinIsTty: false, stdoutIsTty: false };
const host = (path: string) => ({ kind: 'host', path });

test.each([
  ['./a', 'web:/b', { machine: 'web', path: '/b', from: host('./a') }],
  ['a', 'web:b:c', { machine: 'web', path: 'b:c', from: host('a') }],
  ['web:/a', './b:c', { machine: 'web', path: '/a', to: host('./b:c') }],
  ['web:/a', '/b:c', { machine: 'web', path: '/a', to: host('/b:c') }],
  ['web:/a', '.', { machine: 'web', path: '/a', to: host('.') }],
  ['-', 'web:/a', { machine: 'web', path: '/a', from: { kind: 'stream' } }],
  ['web:/a', '-', { machine: 'web', path: '/a', to: { kind: 'stream' } }],
  ['web:-', './-', { machine: 'web', path: '-', to: host('./-') }],
])('%s %s is understood', (source, destination, direction) => {
  expect(copyDirection(source, destination, NONE)).toEqual({ ok: true, value: direction });
});

test.each([
  ['a', 'b', 'neither side is in a machine'],
  ['-', '-', 'neither side is in a machine'],
  ['a:/x', 'b:/x', 'both sides are in machines'],
  ['', 'web:/x', 'a path is empty'],
  ['web:', 'x', 'no path behind the colon of web:'],
  [':/x', 'x', 'no machine before the colon of :/x'],
  ['web:/a\uFFFD', 'x', 'web:/a\uFFFD is not UTF-8'],
])('"%s" "%s" is refused: %s', (source, destination, message) => {
  const result = copyDirection(source, destination, NONE);
  expect(result.ok ? undefined : result.error.message).toBe(message);
});

test('terminals give and show no tar streams', () => {
  const tty = { stdinIsTty: true, stdoutIsTty: true };
  expect(copyDirection('-', 'web:/x', tty).ok).toBe(false);
  expect(copyDirection('web:/x', '-', tty).ok).toBe(false);
  expect(copyDirection('web:/x', 'x', tty).ok).toBe(true);
});

test.each([
  [{ files: 0, bytes: 0 }, '0 files, 0 bytes'],
  [{ files: 1, bytes: 1 }, '1 file, 1 byte'],
  [{ files: 2, bytes: 1023 }, '2 files, 1023 bytes'],
  [{ files: 2, bytes: 1024 }, '2 files, 1.0 KiB'],
  [{ files: 2000, bytes: 3.4 * 1024 ** 2 }, '2000 files, 3.4 MiB'],
  [{ files: 1, bytes: 5 * 1024 ** 5 }, '1 file, 5120.0 TiB'],
])('%o is %s', (count, text) => {
  expect(copyCountText(count)).toBe(text);
});
