/** A place in a source text: `[start, end)` in UTF-16 offsets of `file`'s text. */
export interface Span {
  /** Absolute path of the file. */
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** Every kind of user mistake and outside failure that krun names. */
export type DiagnosticCode =
  | 'file-not-found'
  | 'file-unreadable'
  | 'file-empty'
  | 'file-encoding'
  | 'yaml-syntax'
  | 'yaml-alias'
  | 'duplicate-key'
  | 'interpolation'
  | 'unset-variable'
  | 'unknown-key'
  | 'missing-key'
  | 'wrong-type'
  | 'invalid-value'
  | 'not-supported-yet'
  | 'unknown-reference'
  | 'cycle'
  | 'conflict'
  | 'path'
  | 'limit'
  | 'capability'
  | 'network-exposure'
  | 'usage'
  | 'environment'
  | 'state'
  | 'io';

/**
 * One thing that is wrong (or, as a warning, doubtful), told to the user. Mistakes are values of this type, never
 * exceptions; exceptions are bugs.
 */
export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: 'error' | 'warning';
  /** One sentence without position and without a trailing period. */
  readonly message: string;
  readonly span?: Span;
  /** Further places that belong to the message, such as the edges of a cycle. */
  readonly related?: readonly { readonly message: string; readonly span: Span }[];
  /** What to do about it. */
  readonly hint?: string;
}

export function errorDiagnostic(
  code: DiagnosticCode,
  message: string,
  more: Omit<Diagnostic, 'code' | 'severity' | 'message'> = {},
): Diagnostic {
  return { code, severity: 'error', message, ...more };
}

export function warningDiagnostic(
  code: DiagnosticCode,
  message: string,
  more: Omit<Diagnostic, 'code' | 'severity' | 'message'> = {},
): Diagnostic {
  return { code, severity: 'warning', message, ...more };
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}
