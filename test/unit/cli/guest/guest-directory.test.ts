import { expect, test } from 'vitest';
import { guestDirectory } from '../../../../src/cli/guest/guest-directory.ts';

const SHARES = [
  { source: '/home/me/shop', target: '/app' },
  { source: '/home/me/shop/web', target: '/srv/web' },
  { source: '/data' },
  { source: '/', target: '/host' },
];

test.each([
  ['the source itself', '/home/me/shop', '/app'],
  ['a directory below it', '/home/me/shop/src/a', '/app/src/a'],
  ['the share that is nearest', '/home/me/shop/web/x', '/srv/web/x'],
  ['a name that only begins like a source', '/home/me/shop2', '/host/home/me/shop2'],
  ['a share without a place in the guest', '/data/x', '/host/data/x'],
  ['a name that begins with dots', '/home/me/shop/..x', '/app/..x'],
])('%s', (_, directory, expected) => {
  expect(guestDirectory(directory, SHARES)).toBe(expected);
});

test('a directory on no share is nowhere in the guest', () => {
  expect(guestDirectory('/home/me', SHARES.slice(0, 3))).toBeUndefined();
  expect(guestDirectory('/home/me', [])).toBeUndefined();
});
