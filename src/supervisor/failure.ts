import type { Diagnostic } from '../base/diagnostic.ts';
import { errnoOf, systemHint } from '../host/errno.ts';

/** An action that could not be done: something outside krun refused. Caught by the executor, which tells the user. */
export class ActionFailure extends Error {
  override readonly name = 'ActionFailure';
  readonly hint: string | undefined;
  /** Lines below the message. */
  readonly details: readonly string[];

  constructor(message: string, hint?: string, details: readonly string[] = []) {
    super(message);
    this.hint = hint;
    this.details = details;
  }

  static from(diagnostic: Diagnostic): ActionFailure {
    return new ActionFailure(diagnostic.message, diagnostic.hint);
  }
}

/** A failure in words. */
export interface FailureText {
  readonly message: string;
  readonly hint?: string;
  readonly details?: readonly string[];
}

/** The failure as the user is told: what the system said with the next step, or the whole stack of a bug. */
export function describeFailure(error: unknown): FailureText {
  if (error instanceof ActionFailure) {
    const { message, hint, details } = error;
    return {
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(details.length === 0 ? {} : { details }),
    };
  }
  const code = errnoOf(error);
  if (!(error instanceof Error)) return { message: String(error) };
  if (code === undefined) return { message: `Internal error: ${error.stack ?? error.message}` };
  const hint = systemHint(code);
  return hint === undefined ? { message: error.message } : { message: error.message, hint };
}
