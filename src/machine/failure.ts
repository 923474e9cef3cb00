import type { DiagnosticCode } from '../base/diagnostic.ts';

/** Why a machine process ended before there was a guest; the last line of the status file, after `krun-error `. */
export interface MachineFailure {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly hint?: string;
}

/** Carries a failure out of the steps before the start; only `main.ts` catches it. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly failure: MachineFailure;

  constructor(failure: MachineFailure) {
    super(failure.message);
    this.failure = failure;
  }
}
