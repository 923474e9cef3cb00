import { expect, test } from 'vitest';
import { DEFAULT_DETACH_KEYS, DetachFilter, parseDetachKeys } from '../../../../src/cli/guest/detach-keys.ts';

test.each([
  [DEFAULT_DETACH_KEYS, [16, 17]],
  ['ctrl-]', [29]],
  ['ctrl-@,ctrl-[,ctrl-\\,ctrl-^,ctrl-_', [0, 27, 28, 30, 31]],
  ['CTRL-A,b', [1, 98]],
  ['', []],
])('the keys %s', (text, bytes) => {
  expect(parseDetachKeys(text)).toEqual({ ok: true, value: bytes });
});

test.each(['ctrl-', 'ctrl-1', 'ab', 'a,', 'ä', ' '])('%j is no key', (text) => {
  expect(parseDetachKeys(text)).toMatchObject({ ok: false, error: expect.stringContaining('is no key') });
});

/** What a guest gets of pieces of input, and whether the last of them detached. */
function type(keys: readonly number[], ...pieces: readonly string[]): readonly [string, boolean] {
  const filter = new DetachFilter(keys);
  const out = pieces.map((piece) => filter.push(Buffer.from(piece, 'latin1')));
  const text = out.map(({ bytes }) => Buffer.from(bytes).toString('latin1')).join('|');
  return [text, out.at(-1)?.detached ?? false];
}

const PQ = [16, 17];

test('the keys detach, together or one by one, and nothing of them reaches the guest', () => {
  expect(type(PQ, 'ls\x10\x11')).toEqual(['ls', true]);
  expect(type(PQ, 'ls\x10', '\x11')).toEqual(['ls|', true]);
  expect(type(PQ, '\x10', '\x11 what is typed after them')).toEqual(['|', true]);
});

test('what only begins like the keys is passed on with the next key', () => {
  expect(type(PQ, '\x10', 'a')).toEqual(['|\x10a', false]);
  expect(type(PQ, '\x11\x11')).toEqual(['\x11\x11', false]);
});

test('the beginning may come twice', () => {
  expect(type(PQ, '\x10\x10\x11')).toEqual(['\x10', true]);
  expect(type([97, 97, 98], 'aaab')).toEqual(['a', true]);
  expect(type([97, 98, 97, 99], 'ababac')).toEqual(['ab', true]);
});

test('without keys every byte is passed on', () => {
  expect(type([], '\x10\x11')).toEqual(['\x10\x11', false]);
});
