import { expect, test } from 'vitest';
import { watchLines } from '../../../src/view/watch.ts';
import type { WatchReport } from '../../../src/watch/report.ts';

const rule = { machine: 'web', action: 'sync', path: './src', target: '/app' } as const;
const step = {
  type: 'watch-step',
  rule,
  step: 'sync',
  causes: ['app.js'],
  files: 1,
  deleted: 0,
  bytes: 10,
  isWhole: false,
  ms: 41.4,
} as const;

const text = (report: WatchReport): string => watchLines(report, (_, plain) => plain).join('\n');

test('a step is one line: what a rule did, to which files, and how long it took', () => {
  expect(text(step)).toBe('web  sync ./src -> /app: 1 file (app.js), 41 ms');
  expect(text({ ...step, files: 7, deleted: 2, causes: ['a', 'b', 'c'] })).toBe(
    'web  sync ./src -> /app: 7 files, 2 deleted (a, b, c, …), 41 ms',
  );
  expect(text({ ...step, files: 0, deleted: 1 })).toBe('web  sync ./src -> /app: 1 deleted (app.js), 41 ms');
  expect(text({ ...step, isWhole: true, files: 3000, causes: ['a', 'b', 'c'], ms: 2345 })).toBe(
    'web  sync ./src -> /app: 3000 files (a, b, c, …) by comparison, 2.3 s',
  );
  expect(text({ ...step, step: 'exec', command: ['make', 'gen'], ms: 120 })).toBe(
    'web  exec make gen: app.js changed, 120 ms',
  );
  expect(text({ ...step, step: 'restart', files: 2 })).toBe('web  restart: app.js, … changed, 41 ms');
});

test('a failure says why, what the command said, and what to do', () => {
  const failed = { type: 'watch-failed', rule, ms: 5 } as const;
  expect(text({ ...failed, step: 'sync', message: 'the guest has no tar', hint: 'put tar into it' })).toBe(
    'web  sync ./src -> /app failed: the guest has no tar\n  hint: put tar into it',
  );
  expect(text({ ...failed, step: 'exec', message: 'make ended with 2', output: ['no rule'] })).toBe(
    'web  exec failed: make ended with 2\nweb  | no rule',
  );
});

test('a paused rule names the file, and an edit of the project says what became of it', () => {
  expect(text({ type: 'watch-paused', rule: { ...rule, action: 'exec' }, file: 'gen/out.js' })).toBe(
    'web  exec of ./src is paused: gen/out.js changes after each of its cycles, so it would go on for ever\n' +
      '  hint: `ignore: gen/out.js` in the rule leaves the file out; an edit of the rule resumes it',
  );
  const edit = { type: 'watch-project', files: ['krun.yaml'], ms: 900 } as const;
  expect(text({ ...edit, result: 'invalid' })).toBe('krun.yaml: not valid, so everything goes on as before');
  expect(text({ ...edit, result: 'applied' })).toBe('krun.yaml: applied, 900 ms');
});
