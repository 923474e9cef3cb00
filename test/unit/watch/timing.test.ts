import { expect, test } from 'vitest';
import { dueAt, gather, type Gathering, LONGEST_DELAY_MS, QUIET_MS } from '../../../src/watch/gathering.ts';
import {
  countEchoes,
  ECHO_MS,
  loopingFile,
  type LoopWatch,
  MOST_ECHOES,
} from '../../../src/watch/loop-guard.ts';

test('a cycle begins after a quiet period, and at the latest after the longest delay', () => {
  const once = gather(undefined, 1000);
  expect(dueAt(once)).toBe(1000 + QUIET_MS);
  let gathering: Gathering = once;
  for (let now = 1000; now <= 1000 + LONGEST_DELAY_MS; now += QUIET_MS / 2)
    gathering = gather(gathering, now);
  expect(dueAt(gathering)).toBe(1000 + LONGEST_DELAY_MS);
});

/** Cycles that each take 100 ms, and whose changes come so long after the end of the one before. */
function row(cycles: readonly { readonly files: readonly string[]; readonly afterMs: number }[]): LoopWatch {
  let watch: LoopWatch | undefined;
  let now = 0;
  for (const { files, afterMs } of cycles) {
    now += afterMs;
    watch = { ...countEchoes(watch, { files, changedMs: now }), endedMs: (now += 100) };
  }
  return watch ?? { files: [], endedMs: 0, echoes: 0 };
}

const repeat = (count: number, files: readonly string[], afterMs: number) =>
  Array.from({ length: count }, () => ({ files, afterMs }));

test('a file that changes after each cycle drives the rule', () => {
  const soon = ECHO_MS / 2;
  expect(loopingFile(row(repeat(MOST_ECHOES, ['/p/out'], soon)))).toBeUndefined();
  expect(loopingFile(row(repeat(MOST_ECHOES + 1, ['/p/out'], soon)))).toBe('/p/out');
});

test('who saves slowly, or other files each time, is no loop', () => {
  expect(loopingFile(row(repeat(50, ['/p/a'], ECHO_MS + 1)))).toBeUndefined();
  const others = Array.from({ length: 50 }, (_, index) => ({ files: [`/p/${index}`], afterMs: 1 }));
  expect(loopingFile(row(others))).toBeUndefined();
});

test('edits between do not hide the file that changes each time', () => {
  const cycles = Array.from({ length: MOST_ECHOES + 1 }, (_, index) => ({
    files: [`/p/edit${index}`, '/p/out'],
    afterMs: 10,
  }));
  expect(loopingFile(row(cycles))).toBe('/p/out');
});

test('a change during the cycle counts as one after it', () => {
  const before: LoopWatch = { files: ['/p/out'], endedMs: 500, echoes: MOST_ECHOES - 1 };
  expect(loopingFile(countEchoes(before, { files: ['/p/out'], changedMs: 400 }))).toBe('/p/out');
});
