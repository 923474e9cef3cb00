import { characterWidth, displayWidth } from './display-width.ts';

export interface Column {
  readonly title: string;
  /** Cut with `…` when the table is wider than the terminal; the widest such column gives way first. */
  readonly shrinks?: boolean;
  /** Columns of the terminal that a cell takes at most, also where there is no terminal. */
  readonly widest?: number;
}

const GAP = '   ';
const NARROWEST = 8;

/** Left-aligned columns with three spaces between them; never wider than `width`, as far as columns may shrink. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): string {
  const cells = [columns.map((column) => column.title), ...rows.map((row) => row.map(printable))];
  const widths = columns.map(({ widest = Infinity }, index) =>
    Math.min(widest, Math.max(...cells.map((row) => displayWidth(row[index] ?? '')))),
  );
  if (width !== undefined) shrink(columns, widths, width);
  return cells.map((row) => renderRow(row, widths)).join('\n');
}

function renderRow(row: readonly string[], widths: readonly number[]): string {
  return widths
    .map((width, index) => {
      const text = cut(row[index] ?? '', width);
      return text + ' '.repeat(width - displayWidth(text));
    })
    .join(GAP)
    .trimEnd();
}

function shrink(columns: readonly Column[], widths: number[], available: number): void {
  const total = () => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  while (total() > available) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      if (column.shrinks && (widths[index] ?? 0) > Math.max(NARROWEST, widths[widest] ?? 0)) widest = index;
    }
    const current = widths[widest];
    if (current === undefined) return;
    widths[widest] = Math.max(NARROWEST, Math.min(current - 1, current - (total() - available)));
  }
}

/** One line of visible characters: a command may hold anything. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is replaced
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    used += characterWidth(character);
    if (used > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}
