import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rotatedFiles } from '../../../src/store/log-file.ts';
import { ProcessLog } from '../../../src/store/process-log.ts';
import type { LogLine } from '../../../src/store/records.ts';

let directory: string;
let file: string;
const now = (): Date => new Date('2026-01-02T03:04:05.678Z');

beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'krun-log-'));
  file = path.join(directory, 'log.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function lines(): LogLine[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LogLine);
}

test("a helper's output becomes lines, wherever it is cut", () => {
  const log = new ProcessLog(file, 3, { now });
  const bytes = Buffer.from('level=info msg="€"\r\nsecond\nlast');
  for (const byte of bytes) log.helper(Buffer.from([byte]));
  log.say('gvproxy ended (SIGKILL); it is started again in 1s');
  log.helperEnded();
  const t = '2026-01-02T03:04:05.678Z';
  expect(lines()).toEqual([
    { t, r: 3, s: 'helper', l: 'level=info msg="€"', o: [0, 0, 0, 0] },
    { t, r: 3, s: 'helper', l: 'second', o: [0, 0, 0, 0] },
    { t, r: 3, s: 'network', l: 'gvproxy ended (SIGKILL); it is started again in 1s', o: [0, 0, 0, 0] },
    { t, r: 3, s: 'helper', l: 'last', o: [0, 0, 0, 0] },
  ]);
});

test('a line without an end is stored in pieces', () => {
  const log = new ProcessLog(file, 1, { now });
  for (let n = 0; n < 50; n += 1) log.helper(Buffer.alloc(1000, 'x'));
  log.helper(Buffer.from('\n'));
  expect(lines().map(({ l, p }) => [l.length, p])).toEqual([
    [16_384, true],
    [16_384, true],
    [16_384, true],
    [848, undefined],
  ]);
});

test('the log of an earlier run is continued and rotated', () => {
  const settings = { maxBytes: 2000, maxFiles: 3 };
  for (let run = 1; run <= 60; run += 1) new ProcessLog(file, run, { now, settings }).say('started');
  expect(lines().at(-1)).toMatchObject({ r: 60, l: 'started' });
  expect(rotatedFiles(file).map(({ number }) => number)).toEqual([2, 1]);
  for (const older of rotatedFiles(file)) expect(statSync(older.path).size).toBeLessThanOrEqual(2000);
});

test('lines that cannot be written are counted, and told when it works again', () => {
  const log = new ProcessLog(file, 1, { now });
  rmSync(directory, { recursive: true });
  log.say('one');
  log.helper(Buffer.from('two\nthree\n'));
  mkdirSync(directory);
  log.say('four');
  expect(lines().map(({ s, l }) => `${s} ${l}`)).toEqual([
    'network 3 lines of this log could not be written',
    'network four',
  ]);
});
