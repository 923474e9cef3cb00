import { readFileSync } from 'node:fs';
import { watchPath } from '../host/watch.ts';

const UNWATCHED_POLL_MS = 2000;

/**
 * Calls back when the guest's kernel has halted. The kernel of libkrunfw knows no power switch: after
 * `poweroff` or `halt` it says so on its console and waits for ever. Only a console that goes into a file,
 * which must exist, can be read.
 */
export function watchForHalt(consoleFile: string, halted: () => void): void {
  const check = (): void => {
    if (!isHalted(readFileSync(consoleFile, 'latin1'))) return;
    watch.close();
    clearInterval(timer);
    halted();
  };
  const watch = watchPath(consoleFile, check);
  const timer = watch.active ? undefined : setInterval(check, UNWATCHED_POLL_MS).unref();
}

/** Whether a console's text ends with the kernel's last words. */
export function isHalted(text: string): boolean {
  return /^\[ *[\d.]+\] reboot: (System halted|Power off not available|Power down)[^\n]*\s*$/.test(
    text.slice(text.trimEnd().lastIndexOf('\n') + 1),
  );
}
