import os from 'node:os';

/** How often the host is asked whether it was asleep. */
const LOOK_MS = 30_000;
/** How often a guest's clock is compared without that: it may drift. */
const COMPARE_MS = 10 * 60_000;
/** A smaller difference of the two clocks is that of their reading. */
const JUMP_MS = 1500;

/** The two clocks of which only the first goes on while the host sleeps, in milliseconds. */
export interface Clocks {
  readonly withSleepMs: number;
  readonly withoutSleepMs: number;
}

/** Whether the host slept between two looks. */
export function hasSlept(before: Clocks, after: Clocks): boolean {
  const passed = after.withSleepMs - before.withSleepMs;
  return passed - (after.withoutSleepMs - before.withoutSleepMs) > JUMP_MS;
}

/** Both clocks as they are now. */
export function readClocks(): Clocks {
  return { withSleepMs: os.uptime() * 1000, withoutSleepMs: performance.now() };
}

/** Has the guest's clock compared, and set where it is wrong, after each sleep of the host and now and then. */
export function watchClock(compare: (seconds: number) => void): void {
  let last = readClocks();
  let comparedMs = last.withoutSleepMs;
  setInterval(() => {
    const next = readClocks();
    const isDue = next.withoutSleepMs - comparedMs >= COMPARE_MS;
    if (isDue || hasSlept(last, next)) {
      comparedMs = next.withoutSleepMs;
      atNextSecond(compare);
    }
    last = next;
  }, LOOK_MS).unref();
}

/** The guest's clock is set to whole seconds. */
function atNextSecond(act: (seconds: number) => void): void {
  setTimeout(() => act(Math.floor(Date.now() / 1000)), 1000 - (Date.now() % 1000));
}
