import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  bootId,
  isAlive,
  isRunning,
  processIdentity,
  startTimeOfPs,
  startTimeOfStat,
} from '../../../src/host/identity.ts';

const STAT = '1234 (a) b) S 1 1234 1234 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 200';

describe('the identity of a process', () => {
  it('is alive as long as the process, and not longer', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)']);
    await once(child, 'spawn');
    const identity = processIdentity(child.pid ?? 0);
    expect(identity).toMatchObject({ pid: child.pid, bootId: bootId() });
    expect(identity && isAlive(identity)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(identity && isAlive(identity)).toBe(false);
    expect(processIdentity(child.pid ?? 0)).toBeUndefined();
  });

  it('is not the next process with the same number, nor one before a boot', () => {
    const own = processIdentity(process.pid);
    if (!own) throw new Error('no identity');
    expect(isAlive(own)).toBe(true);
    expect(isAlive({ ...own, startTime: '1' })).toBe(false);
    expect(isAlive({ ...own, bootId: 'other' })).toBe(false);
  });

  it('is not needed to see that a number has a process', () => {
    expect(isRunning(process.pid)).toBe(true);
    // Init is another user's for most.
    expect(isRunning(1)).toBe(true);
    // kill(2) takes 0 and less for whole groups.
    for (const none of [0, -process.pid, Number.NaN, 0x7fff_ffff]) expect(isRunning(none)).toBe(false);
  });

  it('is read past a process name that looks like fields', () => {
    expect(startTimeOfStat(STAT)).toBe('98765');
  });

  it('is nobody for a zombie', () => {
    expect(startTimeOfStat(STAT.replace(' S ', ' Z '))).toBeUndefined();
    const ending = STAT.replace(' S ', ' Z ').replace(' 20 0 1 0 ', ' 20 0 3 0 ');
    expect(startTimeOfStat(ending)).toBe('98765');
    expect(startTimeOfPs('Z+   Fri Nov 20 15:53:00 2026\n')).toBeUndefined();
  });

  it('is the text of ps on macOS', () => {
    expect(startTimeOfPs('Ss   Fri Nov 20 15:53:00 2026   \n')).toBe('Fri Nov 20 15:53:00 2026');
  });
});
