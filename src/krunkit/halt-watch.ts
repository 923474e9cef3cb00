import { statSync } from 'node:fs';
import { tailOf } from '../host/file-tail.ts';
import { watchPath } from '../host/watch.ts';
import { isHaltedBySelf } from '../machine/log-reasons.ts';

const UNWATCHED_POLL_MS = 2000;

/**
 * Calls back when the guest's kernel has halted. The kernel of libkrunfw knows no power switch: after
 * `poweroff` or `halt` it says so on its console and waits for ever. Only a console that goes into a regular
 * file, which must exist, is read: from a terminal or a pipe that would take what is meant for others.
 */
export function watchForHalt(consoleFile: string, halted: () => void): void {
  if (!statSync(consoleFile).isFile()) return;
  const check = (): void => {
    if (!isHalted(tailOf(consoleFile))) return;
    watch.close();
    clearInterval(timer);
    halted();
  };
  const watch = watchPath(consoleFile, check);
  const timer = watch.active ? undefined : setInterval(check, UNWATCHED_POLL_MS).unref();
}

/** Whether a console's text ends with the kernel's last words; those of an earlier run may stand before it. */
export function isHalted(text: string): boolean {
  return isHaltedBySelf(text.slice(text.trimEnd().lastIndexOf('\n') + 1));
}
