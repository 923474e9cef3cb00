import { runOutcome, type RunOutcome, type RunRemains } from '../../../src/machine/outcome.ts';

/** An outcome of a run as one line. */
export function outcome(remains: Partial<RunRemains>): string {
  return told(
    runOutcome({
      status: '',
      console: '',
      code: null,
      signal: null,
      guest: 'bootstrap',
      root: 'directory',
      ...remains,
    }),
  );
}

/** The same of an outcome that may not be. */
export function told(result: RunOutcome | undefined): string {
  if (!result) return 'goes on';
  if (result.kind === 'failed') return `failed: ${result.reason}${result.hint ? ` [${result.hint}]` : ''}`;
  const { code, signal, reason } = result.exit;
  return [`exited: ${code ?? 'unknown'}`, signal, reason].filter((part) => part !== undefined).join(', ');
}
