import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseStatus, readStatus } from '../../../src/machine/status-file.ts';

let directory: string;

beforeEach(() => (directory = mkdtempSync(path.join(os.tmpdir(), 'krun-status-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('a status file, to which the root of the guest can write what it likes', () => {
  it.each(['krun-error {\n', 'krun-error null\n', 'krun-error {"message":7}\n', 'exit 999\n', 'exit -1\n'])(
    'takes no meaning from %j',
    (text) => {
      expect(parseStatus(text)).toEqual({ hasReported: false, isReady: false });
    },
  );

  it('believes an error of the machine process only until there is a guest', () => {
    const line = 'krun-error {"code":"io","message":"no"}\n';
    expect(parseStatus(line).failure).toEqual({ code: 'io', message: 'no' });
    expect(parseStatus(`krun-start 1\nkrun 1\nready\n${line}`).failure).toBeUndefined();
  });

  it('is read at its ends only, in whole lines', () => {
    const file = path.join(directory, 'status');
    expect(readStatus(file)).toBe('');
    writeFileSync(file, 'krun 1\nready\n');
    expect(readStatus(file)).toBe('krun 1\nready\n');
    writeFileSync(file, `krun 1\nready\n${'noise noise\n'.repeat(100_000)}exit 7\n`);
    const text = readStatus(file);
    expect(text.length).toBeLessThanOrEqual(64 * 1024);
    expect(new Set(text.trimEnd().split('\n'))).toEqual(
      new Set(['krun 1', 'ready', 'noise noise', 'exit 7']),
    );
    expect(parseStatus(text)).toEqual({ hasReported: true, isReady: true, exitCode: 7 });
  });
});
