import { closeSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryLock } from '../../../src/host/flock.ts';
import { holderInLocks } from '../../../src/machine/holder.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'krun-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a lock', () => {
  it('is held once, until its descriptor is closed', async () => {
    const file = path.join(directory, 'a');
    const first = tryLock(file, 'exclusive', true);
    if (!first.held) throw new Error('not held');
    expect(tryLock(file, 'exclusive')).toEqual({ held: false });
    expect(tryLock(file, 'shared')).toEqual({ held: false });
    closeSync(first.fd);
    const again = (): boolean => {
      const lock = tryLock(file, 'exclusive');
      if (lock.held) closeSync(lock.fd);
      return lock.held;
    };
    // A process that another test's thread has just forked has the descriptor, too, until it is another program.
    await expect.poll(again).toBe(true);
  });

  it('is shared among readers, and keeps writers out', () => {
    const file = path.join(directory, 'b');
    writeFileSync(file, '');
    const readers = [tryLock(file, 'shared'), tryLock(file, 'shared')];
    expect(readers.map(({ held }) => held)).toEqual([true, true]);
    expect(tryLock(file, 'exclusive')).toEqual({ held: false });
    for (const reader of readers) if (reader.held) closeSync(reader.fd);
  });

  it('needs a file', () => {
    expect(() => tryLock(path.join(directory, 'none'), 'exclusive')).toThrow(/ENOENT/);
  });
});

describe('the holder of a lock', () => {
  const LOCKS = `1: POSIX  ADVISORY  WRITE 812 00:1a:77 0 EOF
2: FLOCK  ADVISORY  WRITE 4242 fe:01:131 0 EOF
2: -> FLOCK  ADVISORY  WRITE 5000 fe:01:131 0 EOF
3: FLOCK  ADVISORY  READ  -1 fe:01:132 0 EOF
`;

  it('is found by the inode in /proc/locks', () => {
    expect(holderInLocks(LOCKS, 131n)).toBe(4242);
  });

  it('is unknown for other kinds of locks and for processes outside of the namespace', () => {
    expect(holderInLocks(LOCKS, 77n)).toBeUndefined();
    expect(holderInLocks(LOCKS, 132n)).toBeUndefined();
  });
});
