import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConsoleFile } from '../../../src/store/console-file.ts';
import type { LogLine } from '../../../src/store/records.ts';

let file: string;
beforeEach(() => (file = path.join(mkdtempSync(path.join(os.tmpdir(), 'krun-console-')), 'log')));
afterEach(() => rmSync(path.dirname(file), { recursive: true }));

function said(text: string, more: Partial<LogLine> = {}): LogLine {
  return { t: '2026-01-01T00:00:00.000Z', r: 1, s: 'stdout', l: text, o: [0, 0, 0, 0], ...more };
}

test('the file gets what the machine says, and nothing of its helpers', () => {
  const console = new ConsoleFile(file, (message) => expect.fail(message));
  console.append([said('one'), said('passt', { s: 'helper' }), said('tw', { p: true })]);
  console.append([said('o'), said('panic', { s: 'console' })]);
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\npanic\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a FIFO that nobody reads holds nobody up, and is told once', () => {
  execFileSync('mkfifo', [file]);
  const warnings: string[] = [];
  const console = new ConsoleFile(file, (message) => warnings.push(message));
  console.append([said('one')]);
  console.append([said('two')]);
  expect(warnings).toEqual([expect.stringContaining('ENXIO')]);
});
