/** A known cause behind lines of libkrun's log or of the guest kernel. */
export interface LogReason {
  readonly reason: string;
  readonly hint?: string;
}

interface Pattern {
  readonly pattern: RegExp;
  readonly reason: (match: RegExpExecArray) => string;
  readonly hint?: string;
}

const PATTERNS: readonly Pattern[] = [];

/** The first known cause in a log. */
export function explainLog(text: string): LogReason | undefined {
  for (const { pattern, reason, hint } of PATTERNS) {
    const match = pattern.exec(text);
    if (match) return { reason: reason(match), ...(hint === undefined ? {} : { hint }) };
  }
  return undefined;
}
