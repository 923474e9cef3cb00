import { expect, test } from 'vitest';
import { nearest, quotedList } from '../../../src/base/text.ts';

const KEYS = ['memory', 'machines', 'networks', 'readonly', 'working_dir', 'environment', 'cpus', 'ip'];

test.each([
  ['memroy', 'memory'],
  ['Memory', 'memory'],
  ['netwroks', 'networks'],
  ['readOnly', 'readonly'],
  ['read-only', 'readonly'],
  ['workingDir', 'working_dir'],
  ['env', 'environment'],
  ['cpu', 'cpus'],
  ['machine', 'machines'],
])('%s stands for %s', (word, wanted) => {
  expect(nearest(word, KEYS)).toBe(wanted);
});

test.each(['', 'x', 'id', 'colour', 'completely_different'])('nothing is near "%s"', (word) => {
  expect(nearest(word, KEYS)).toBeUndefined();
});

test('of two candidates the nearer one wins', () => {
  expect(nearest('port', ['host', 'ports'])).toBe('ports');
});

test('lists read as people write them', () => {
  expect(quotedList(['a'], 'or')).toBe('`a`');
  expect(quotedList(['a', 'b'], 'or')).toBe('`a` or `b`');
  expect(quotedList(['a', 'b', 'c'], 'and')).toBe('`a`, `b` and `c`');
});
