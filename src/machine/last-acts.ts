import { ignoreErrno } from '../host/errno.ts';

/*
 * What has to be undone before the process ends itself. libkrun ends it without a word to JavaScript: what is left then
 * is the supervisor's to remove, or the next start's.
 */

/** `guest`: libkrun is about to end the process, and still serves the guest's devices; `process`: this is the end. */
export type LastMoment = 'guest' | 'process';

const acts: Record<LastMoment, (() => void)[]> = { guest: [], process: [] };

/** Registers something to be done at one of the moments, or before the process ends itself at the latest. */
export function addLastAct(moment: LastMoment, act: () => void): void {
  acts[moment].push(act);
}

/** Does what was registered for the moment, once. */
export function performLastActs(moment: LastMoment): void {
  const due =
    moment === 'guest' ? acts.guest.splice(0) : [...acts.guest.splice(0), ...acts.process.splice(0)];
  for (const act of due) {
    try {
      act();
    } catch (error) {
      // The user that the process has become may not; the supervisor removes what is left.
      ignoreErrno(error, 'EACCES', 'EPERM');
    }
  }
}
