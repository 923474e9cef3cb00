import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  existsSync,
  readdirSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  machineLayout,
  projectLayout,
  rawFile,
  type MachineLayout,
  type Stream,
} from '../../../src/store/layout.ts';
import { rotatedFiles } from '../../../src/store/log-file.ts';
import { LogIngest } from '../../../src/store/log-ingest.ts';
import type { LogLine } from '../../../src/store/records.ts';

let base: string;
let layout: MachineLayout;
const settings = { maxBytes: 1_000_000, maxFiles: 3 };
const options = { now: () => new Date('2026-01-02T03:04:05.678Z') };

beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'krun-ingest-'));
  layout = machineLayout(projectLayout(base, undefined, { HOME: base }, 0), 'web');
  mkdirSync(layout.directory, { recursive: true });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function raw(stream: Stream | 'status', run = 1): string {
  return rawFile(layout, run, stream);
}

function logLines(): LogLine[] {
  const files = [...rotatedFiles(layout.logFile).map((file) => file.path), layout.logFile];
  return files
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as LogLine);
}

/** The text that a stream's lines stand for; a line without `p` ended with a newline, unless it was the run's last. */
function textOf(stream: LogLine['s'], run = 1): string {
  return logLines()
    .filter((line) => line.s === stream && line.r === run)
    .map((line) => (line.p ? line.l : `${line.l}\n`))
    .join('');
}

function finish(run = 1, limits = settings): void {
  const ingest = new LogIngest(layout, limits, options);
  ingest.finish(run);
}

test('whole lines are taken in with their stream, run and offsets', () => {
  writeFileSync(raw('stdout'), 'one\ntwo\r\nthr');
  writeFileSync(raw('stderr'), 'oops\n');
  const ingest = new LogIngest(layout, settings, options);
  ingest.take(1);
  const t = '2026-01-02T03:04:05.678Z';
  expect(logLines()).toEqual([
    { t, r: 1, s: 'stdout', l: 'one', o: [4, 0, 0, 0] },
    { t, r: 1, s: 'stdout', l: 'two', o: [9, 0, 0, 0] },
    { t, r: 1, s: 'stderr', l: 'oops', o: [9, 5, 0, 0] },
  ]);
});

test('output of helpers is taken in like that of the guest', () => {
  writeFileSync(raw('stdout'), 'one\n');
  writeFileSync(raw('helper'), 'No routable interface\n');
  finish();
  expect(logLines().at(-1)).toMatchObject({ s: 'helper', l: 'No routable interface', o: [4, 0, 0, 22] });
});

test('a log that knows nothing of helpers is continued where it ends', () => {
  writeFileSync(raw('stdout'), 'one\ntwo\n');
  writeFileSync(raw('helper'), 'hello\n');
  const t = '2026-01-02T03:04:05.000Z';
  writeFileSync(layout.logFile, `${JSON.stringify({ t, r: 1, s: 'stdout', l: 'one', o: [4, 0, 0] })}\n`);
  finish();
  expect(logLines().map(({ l, o }) => [l, o])).toEqual([
    ['one', [4, 0, 0]],
    ['two', [8, 0, 0, 0]],
    ['hello', [8, 0, 0, 6]],
  ]);
});

test('the unfinished last line waits for its end, or for the end of the run', () => {
  writeFileSync(raw('stdout'), 'a');
  const ingest = new LogIngest(layout, settings, options);
  expect(ingest.take(1).lines).toEqual([]);
  appendFileSync(raw('stdout'), 'b\nc');
  expect(ingest.take(1).lines.map(({ l }) => l)).toEqual(['ab']);
  expect(ingest.finish(1).map(({ l }) => l)).toEqual(['c']);
  expect(ingest.finish(1)).toEqual([]);
});

test('a character that is cut by the border of a piece stays whole', () => {
  const line = `${'x'.repeat(16 * 1024 - 2)}€${'é'.repeat(20_000)}`;
  writeFileSync(raw('stdout'), `${line}\n`);
  finish();
  const pieces = logLines();
  expect(pieces.length).toBe(4);
  expect(pieces.slice(0, -1).every(({ p }) => p === true)).toBe(true);
  expect(pieces.at(-1)?.p).toBeUndefined();
  expect(pieces.map(({ l }) => l).join('')).toBe(line);
});

test('bytes that are not UTF-8 neither stop the log nor move its offsets', () => {
  const bytes = Buffer.concat([Buffer.alloc(40_000, 0x80), Buffer.from('\nafter\n')]);
  writeFileSync(raw('console'), bytes);
  finish();
  expect(logLines().at(-1)).toMatchObject({ l: 'after', o: [0, 0, bytes.length, 0] });
});

test('a log that is cut at any byte is continued to exactly the same content', () => {
  const text = Array.from({ length: 9 }, (_, n) => `line ${n} ${'é€😀x'.repeat(n % 7)}`).join('\n');
  writeFileSync(raw('stdout'), text);
  writeFileSync(raw('stderr'), 'e1\ne2\n');
  finish();
  const whole = readFileSync(layout.logFile);
  for (let size = 0; size <= whole.length; size += 1) {
    writeFileSync(layout.logFile, whole.subarray(0, size));
    finish();
    expect(readFileSync(layout.logFile).equals(whole), `cut at ${size}`).toBe(true);
  }
});

test('killed at any moment while output grows and the log rotates, no byte is lost or doubled', () => {
  const text = Array.from({ length: 400 }, (_, n) => `${n} ${'ä'.repeat((n * 37) % 50)}\n`).join('');
  const bytes = Buffer.from(text);
  // Enough files that none is dropped: what is dropped by rotation is meant to be lost.
  const limits = { maxBytes: 1500, maxFiles: 1000 };
  for (let step = 1; step < 40; step += 1) {
    rmSync(layout.directory, { recursive: true });
    mkdirSync(layout.directory);
    for (let at = 0; at < bytes.length; at += 97 * step) {
      appendFileSync(raw('stdout'), bytes.subarray(at, at + 97 * step));
      new LogIngest(layout, limits, options).take(1);
      // What a SIGKILL in the middle of a write leaves.
      const size = existsSync(layout.logFile) ? statSync(layout.logFile).size : 0;
      if (size > 0) truncateSync(layout.logFile, Math.max(0, size - ((at * step) % 90)));
    }
    finish(1, limits);
    expect(textOf('stdout'), `step ${step}`).toBe(text);
    expect(rotatedFiles(layout.logFile).length).toBeGreaterThan(3);
  }
});

test('rotation keeps the number of files and the size, and the position survives it', () => {
  const limits = { maxBytes: 2000, maxFiles: 3 };
  writeFileSync(raw('stdout'), 'x'.repeat(99).concat('\n').repeat(200));
  const ingest = new LogIngest(layout, limits, options);
  ingest.finish(1);
  expect(readdirSync(layout.directory).toSorted()).toEqual([
    'log.jsonl',
    'log.jsonl.1',
    'log.jsonl.2',
    'run-1.stdout',
  ]);
  for (const name of ['log.jsonl', 'log.jsonl.1', 'log.jsonl.2']) {
    expect(statSync(path.join(layout.directory, name)).size).toBeLessThanOrEqual(2000);
  }
  expect(logLines().at(-1)?.o).toEqual([20_000, 0, 0, 0]);
  expect(new LogIngest(layout, limits, options).finish(1)).toEqual([]);
});

test('with one file allowed, a rotation never leaves a moment without a position', () => {
  const limits = { maxBytes: 300, maxFiles: 1 };
  for (let n = 0; n < 30; n += 1) {
    appendFileSync(raw('stdout'), `line ${n}\n`);
    expect(new LogIngest(layout, limits, options).take(1).lines.map(({ l }) => l)).toEqual([`line ${n}`]);
  }
  expect(rotatedFiles(layout.logFile)).toEqual([]);
});

test('a rotation that was cut off between its renames is completed', () => {
  const limits = { maxBytes: 300, maxFiles: 3 };
  writeFileSync(raw('stdout'), 'a\nb\nc\n');
  new LogIngest(layout, limits, options).take(1);
  const text = readFileSync(layout.logFile, 'utf8');
  // log.jsonl has become log.jsonl.1, log.jsonl.next has not got its name yet.
  const lines = text.trimEnd().split('\n');
  rmSync(layout.logFile);
  writeFileSync(`${layout.logFile}.1`, `${lines.slice(0, 2).join('\n')}\n`);
  writeFileSync(`${layout.logFile}.next`, `${lines[2]}\n`);
  expect(new LogIngest(layout, limits, options).take(1).lines).toEqual([]);
  expect(textOf('stdout')).toBe('a\nb\nc\n');
  // log.jsonl.next was written, but nothing has been renamed: its line is taken in again, once.
  writeFileSync(`${layout.logFile}.next`, '{"half": ');
  appendFileSync(raw('stdout'), 'd\n');
  expect(new LogIngest(layout, limits, options).take(1).lines.map(({ l }) => l)).toEqual(['d']);
});

test('lines that came into the log before it could not be written are told, once', () => {
  const copied: string[] = [];
  const copy = (lines: readonly LogLine[]): void => void copied.push(...lines.map(({ l }) => l));
  const ingest = new LogIngest(layout, { maxBytes: 250, maxFiles: 3 }, { ...options, copy });
  writeFileSync(raw('stdout'), 'a\nb\nc\nd\n');
  // The rotation before the fourth line fails.
  mkdirSync(`${layout.logFile}.next`);
  const { lines, more } = ingest.take(1);
  expect([lines.map(({ l }) => l), more]).toEqual([['a', 'b', 'c'], true]);
  expect(() => ingest.take(1)).toThrow('EISDIR');
  rmdirSync(`${layout.logFile}.next`);
  expect(ingest.take(1).lines.map(({ l }) => l)).toEqual(['d']);
  expect(copied).toEqual(['a', 'b', 'c', 'd']);
});

test('runs follow each other in one log, and files of a finished run are deleted', () => {
  writeFileSync(raw('stdout', 1), 'first\nrest');
  writeFileSync(raw('status', 1), 'exit 0\n');
  writeFileSync(raw('stdout', 2), 'second\n');
  const ingest = new LogIngest(layout, settings, options);
  expect(ingest.leftRuns()).toEqual([1, 2]);
  ingest.finish(1);
  ingest.discard(1);
  ingest.take(2);
  expect(ingest.leftRuns()).toEqual([2]);
  expect(logLines().map(({ r, l }) => `${r} ${l}`)).toEqual(['1 first', '1 rest', '2 second']);
  expect(ingest.lastRun).toBe(2);
});

test('taken-in output of a big raw file is given back, and nothing before that', () => {
  const punched: number[] = [];
  const ingest = new LogIngest(layout, settings, { ...options, punchHole: (_, end) => punched.push(end) });
  writeFileSync(raw('stdout'), `${'y'.repeat(1023)}\n`.repeat(8 * 1024 - 1));
  while (ingest.take(1).more);
  expect(punched).toEqual([]);
  appendFileSync(raw('stdout'), `${'y'.repeat(1023)}\n`.repeat(2));
  while (ingest.take(1).more);
  expect(punched).toEqual([8 * 1024 * 1024 + 1024]);
});
