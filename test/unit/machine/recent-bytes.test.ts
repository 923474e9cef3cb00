import { expect, test } from 'vitest';
import { RecentBytes } from '../../../src/machine/recent-bytes.ts';

test('the last bytes are kept and older ones dropped, wherever the chunks end', () => {
  const recent = new RecentBytes(5);
  for (const text of ['ab', 'cd', 'ef', 'g']) recent.add(Buffer.from(text));
  expect(recent.length).toBe(5);
  expect(recent.take().toString()).toBe('cdefg');
  expect(recent.length).toBe(0);
  expect(recent.take().toString()).toBe('');
  recent.add(Buffer.from('one chunk that is too long'));
  expect(recent.take().toString()).toBe(' long');
});

test('what was put back comes before what was added meanwhile, and goes first', () => {
  const recent = new RecentBytes(5);
  recent.add(Buffer.from('def'));
  recent.putBack(Buffer.from('ab'));
  expect(recent.take().toString()).toBe('abdef');
  recent.add(Buffer.from('defg'));
  recent.putBack(Buffer.from('abc'));
  expect(recent.take().toString()).toBe('cdefg');
});
