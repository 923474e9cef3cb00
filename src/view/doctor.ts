import type { Paint, StyleName } from './style.ts';

/** What the view needs of a check. */
export interface CheckLine {
  readonly id: string;
  readonly status: 'ok' | 'missing' | 'warning' | 'failed';
  readonly detail: string;
  readonly hint?: string;
}

const STYLES: Readonly<Record<CheckLine['status'], StyleName>> = {
  ok: 'green',
  missing: 'dim',
  warning: 'yellow',
  failed: 'red',
};

/** One line a check, what to do below it. */
export function doctorText(checks: readonly CheckLine[], paint: Paint): string {
  const width = Math.max(...checks.map((check) => check.id.length));
  return checks
    .flatMap((check) => [
      `${paint(STYLES[check.status], check.status.padEnd(7))}  ${check.id.padEnd(width)}  ${check.detail}`,
      ...(check.hint === undefined ? [] : [`${' '.repeat(width + 11)}hint: ${check.hint}`]),
    ])
    .join('\n');
}
