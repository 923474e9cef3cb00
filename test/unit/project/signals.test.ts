import { expect, test } from 'vitest';
import { parseSignal, SIGNAL_NAMES } from '../../../src/project/signals.ts';

test.each([
  ['SIGTERM', 'SIGTERM'],
  ['TERM', 'SIGTERM'],
  ['term', 'SIGTERM'],
  [' sigint ', 'SIGINT'],
  ['9', 'SIGKILL'],
  [15, 'SIGTERM'],
  ['37', 'SIGRTMIN+3'],
  ['rtmin+3', 'SIGRTMIN+3'],
  ['SIGRTMAX-1', 'SIGRTMIN+29'],
  ['34', 'SIGRTMIN'],
])('%j is %s', (value, name) => {
  expect(parseSignal(value)).toBe(name);
});

test.each(['', '0', '32', '65', 'SIG', 'SIGFOO', 'constructor', 'RTMIN+31', 'RTMAX-31', '-9'])(
  '%j is no signal',
  (value) => {
    expect(parseSignal(value)).toBeUndefined();
  },
);

test('names are in the order of their numbers', () => {
  expect(SIGNAL_NAMES.map((_, index) => parseSignal(index + 1))).toEqual(SIGNAL_NAMES);
  expect(SIGNAL_NAMES).toHaveLength(31);
});
