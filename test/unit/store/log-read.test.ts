import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogCursor, readLogs, type LogQuery } from '../../../src/store/log-read.ts';
import type { LogLine } from '../../../src/store/records.ts';

let base: string;
let file: string;

beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'krun-read-'));
  file = path.join(base, 'log.jsonl');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function at(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
}

function line(second: number, text: string, more: Partial<LogLine> = {}): string {
  return `${JSON.stringify({ t: at(second), r: 1, s: 'stdout', l: text, o: [0, 0, 0, 0], ...more })}\n`;
}

/** Seconds `from` to `to`, one line each. */
function lines(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, n) => line(from + n, `l${from + n}`)).join('');
}

async function read(query: LogQuery, files: Record<string, string> = { web: file }): Promise<string[]> {
  const sources = Object.entries(files).map(([machine, path]) => ({ machine, file: path }));
  const found: string[] = [];
  for await (const entry of readLogs(sources, query)) found.push(entry.line.l);
  return found;
}

test('rotated files are read in order', async () => {
  writeFileSync(`${file}.2`, lines(1, 2));
  writeFileSync(`${file}.1`, lines(3, 4));
  writeFileSync(file, lines(5, 6));
  expect(await read({})).toEqual(['l1', 'l2', 'l3', 'l4', 'l5', 'l6']);
});

test('a log that does not exist has no lines', async () => {
  expect(await read({ tail: 3 })).toEqual([]);
});

test('tail counts from the end and across rotated files', async () => {
  writeFileSync(`${file}.1`, lines(1, 3000));
  writeFileSync(file, lines(3001, 3002));
  expect(await read({ tail: 0 })).toEqual([]);
  expect(await read({ tail: 1 })).toEqual(['l3002']);
  expect(await read({ tail: 4 })).toEqual(['l2999', 'l3000', 'l3001', 'l3002']);
  expect((await read({ tail: 2500 })).length).toBe(2500);
  expect((await read({ tail: 9999 })).length).toBe(3002);
});

test('tail counts a long line once, and only lines that are wanted', async () => {
  writeFileSync(
    file,
    line(1, 'a') +
      line(2, 'long-', { p: true }) +
      line(2, 'er-', { p: true }) +
      line(3, 'line') +
      line(4, 'noise', { s: 'console' }) +
      line(5, 'z'),
  );
  expect(await read({ tail: 2, accept: ({ s }) => s === 'stdout' })).toEqual(['long-', 'er-', 'line', 'z']);
});

test('a long line matches as a whole, with all of its pieces, in history and in what is appended', async () => {
  const long = line(2, 'first NEE', { p: true }) + line(2, 'other', { s: 'stderr' }) + line(2, 'DLE last');
  writeFileSync(`${file}.1`, lines(1, 1) + long + line(3, 'a', { p: true }));
  writeFileSync(file, line(3, 'b') + line(4, 'NEEDLE again') + lines(5, 6));
  const matches = (text: string): boolean => /NEEDLE|ab/.test(text);
  expect(await read({ matches })).toEqual(['first NEE', 'DLE last', 'a', 'b', 'NEEDLE again']);
  expect(await read({ matches, tail: 0 })).toEqual([]);
  expect(await read({ matches, tail: 1 })).toEqual(['NEEDLE again']);
  expect(await read({ matches, tail: 2 })).toEqual(['a', 'b', 'NEEDLE again']);
  expect(await read({ matches, tail: 9 })).toEqual(['first NEE', 'DLE last', 'a', 'b', 'NEEDLE again']);

  const cursor = new LogCursor({ machine: 'web', file }, { matches, tail: 0 });
  expect([...cursor.history()]).toEqual([]);
  appendFileSync(file, line(7, 'NEED', { p: true }));
  expect([...cursor.appended()]).toEqual([]);
  appendFileSync(file, line(7, 'LE') + line(8, 'x'));
  expect([...cursor.appended()].map((entry) => entry.line.l)).toEqual(['NEED', 'LE']);
  cursor.close();
});

test('since and until are inclusive, wherever they fall', async () => {
  writeFileSync(`${file}.1`, lines(1, 500));
  writeFileSync(file, lines(501, 1000));
  for (const second of [1, 2, 250, 499, 500, 501, 502, 777, 999, 1000]) {
    const found = await read({ since: new Date(at(second)), until: new Date(at(second + 2)) });
    const expected = [second, second + 1, second + 2].filter((n) => n <= 1000).map((n) => `l${n}`);
    expect(found, `from ${second}`).toEqual(expected);
  }
  expect(await read({ since: new Date(at(1001)) })).toEqual([]);
  expect(await read({ until: new Date(at(0)) })).toEqual([]);
  expect(await read({ until: new Date(at(600)), tail: 1 })).toEqual(['l600']);
});

test('several machines are merged by time', async () => {
  const other = path.join(base, 'other.jsonl');
  writeFileSync(file, line(1, 'a') + line(3, 'c') + line(5, 'e'));
  writeFileSync(other, line(2, 'b') + line(3, 'c2') + line(9, 'z'));
  expect(await read({}, { web: file, db: other })).toEqual(['a', 'b', 'c', 'c2', 'e', 'z']);
});

test('a last line that is still being written is left for later', async () => {
  writeFileSync(file, `${line(1, 'a')}{"t":"2026`);
  expect(await read({})).toEqual(['a']);
  expect(await read({ tail: 1 })).toEqual(['a']);
});

test('a damaged line hides no other', async () => {
  writeFileSync(file, `${line(1, 'a')}\0\0\0garbage\n${line(2, 'b')}`);
  expect(await read({})).toEqual(['a', 'b']);
  expect(await read({ tail: 2 })).toEqual(['a', 'b']);
});

test('a cursor follows appended lines over rotations without loss', () => {
  writeFileSync(file, lines(1, 2));
  const cursor = new LogCursor({ machine: 'web', file }, { tail: 1 });
  const next = (): string[] => [...cursor.appended()].map((entry) => entry.line.l);
  expect([...cursor.history()].map((entry) => entry.line.l)).toEqual(['l2']);
  expect(next()).toEqual([]);
  appendFileSync(file, line(3, 'l3') + line(4, 'l4').slice(0, 20));
  expect(next()).toEqual(['l3']);
  appendFileSync(file, line(4, 'l4').slice(20));
  renameSync(file, `${file}.1`);
  expect(next()).toEqual(['l4']);
  writeFileSync(file, lines(5, 5));
  // Two rotations between two looks.
  renameSync(`${file}.1`, `${file}.2`);
  renameSync(file, `${file}.1`);
  writeFileSync(file, lines(6, 6));
  expect(next()).toEqual(['l5', 'l6']);
  // All files that were known are gone.
  rmSync(`${file}.2`);
  rmSync(`${file}.1`);
  rmSync(file);
  writeFileSync(file, lines(7, 7));
  expect(next()).toEqual(['l7']);
  cursor.close();
});

test('a cursor on a log that comes later begins at its beginning', () => {
  const cursor = new LogCursor({ machine: 'web', file }, {});
  expect([...cursor.history()]).toEqual([]);
  writeFileSync(file, lines(1, 1));
  expect([...cursor.appended()].map((entry) => entry.line.l)).toEqual(['l1']);
  cursor.close();
});
