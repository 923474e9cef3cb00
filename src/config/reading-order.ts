import type { Diagnostic } from '../base/diagnostic.ts';

/** What has no place first, then file by file in merge order, top to bottom; the same thing is said once. */
export function inReadingOrder(diagnostics: readonly Diagnostic[], files: readonly string[]): Diagnostic[] {
  const order = [...files];
  for (const { span } of diagnostics) if (span && !order.includes(span.file)) order.push(span.file);
  const rank = ({ span }: Diagnostic): number => (span ? order.indexOf(span.file) : -1);
  const seen = new Set<string>();
  return diagnostics
    .toSorted((a, b) => rank(a) - rank(b) || (a.span?.start ?? 0) - (b.span?.start ?? 0))
    .filter(({ message, span }) => {
      const key = `${span?.file}\0${span?.start}\0${message}`;
      return !seen.has(key) && seen.add(key);
    });
}
