import type { Diagnostic } from '../base/diagnostic.ts';
import { errnoOf } from '../host/errno.ts';

/** An action that could not be done: something outside krun refused. Caught by the executor, which tells the user. */
export class ActionFailure extends Error {
  override readonly name = 'ActionFailure';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }

  static from(diagnostic: Diagnostic): ActionFailure {
    return new ActionFailure(diagnostic.message, diagnostic.hint);
  }
}

/** The failure as the user is told: what the system said with the next step, or the whole stack of a bug. */
export function describeFailure(error: unknown): { readonly message: string; readonly hint?: string } {
  if (error instanceof ActionFailure) {
    return error.hint === undefined
      ? { message: error.message }
      : { message: error.message, hint: error.hint };
  }
  const code = errnoOf(error);
  if (!(error instanceof Error)) return { message: String(error) };
  if (code === undefined) return { message: `Internal error: ${error.stack ?? error.message}` };
  const hint = HINTS[code];
  return hint === undefined ? { message: error.message } : { message: error.message, hint };
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space and run the command again',
  EDQUOT: 'your disk quota is used up; free some space and run the command again',
  EACCES: 'make the path accessible for your user',
  EROFS: 'the file system is mounted read-only',
  EMFILE: 'too many open files; raise the limit (ulimit -n)',
  ENFILE: 'the system has too many open files',
  EAGAIN: 'the system refuses more processes; raise the limit (ulimit -u)',
  ENOMEM: 'the system is out of memory',
};
