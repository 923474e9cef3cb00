import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';

/** All that is wrong with a machine, told at once; `message` has a line for each, `diagnostics` the same as values. */
export class BuilderError extends Error {
  override readonly name = 'BuilderError';
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(diagnosticText).join('\n'));
    this.diagnostics = diagnostics;
  }
}

function diagnosticText({ message, hint }: Diagnostic): string {
  return hint === undefined ? message : `${message}; ${hint}`;
}

/** A mistake in what a method was given; `where` names the method. */
export function mistake(where: string, message: string, hint?: string): Diagnostic {
  return errorDiagnostic('invalid-value', `${where}: ${message}`, hint === undefined ? {} : { hint });
}

/** Something that libkrun's C API has no way for. */
export function refusal(where: string, reason: string, hint?: string): Diagnostic {
  return errorDiagnostic('capability', `${where}: ${reason}`, hint === undefined ? {} : { hint });
}
