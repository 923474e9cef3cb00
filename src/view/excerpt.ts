import { lineColumn } from '../source/source-file.ts';
import { characterWidth } from './display-width.ts';

/** One line of a text with what to underline. */
export interface Excerpt {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
  /** White space before the underline. */
  readonly indent: string;
  /** `^~~~`. */
  readonly underline: string;
}

/** Longer lines are cut to this many columns around the place. */
const WIDEST = 100;
/** Characters on each side of a place that can matter; combining marks take no column. */
const NEAR = 10 * WIDEST;
const TAB_WIDTH = 4;
const CUT = '…';

interface Cell {
  readonly text: string;
  readonly width: number;
  readonly marked: boolean;
}

/** The first line of a span; nothing where that line is blank. */
export function excerpt(
  text: string,
  span: { readonly start: number; readonly end: number },
): Excerpt | undefined {
  const { line } = lineColumn(text, span.start);
  const lineStart = text.lastIndexOf('\n', span.start - 1) + 1;
  const newline = text.indexOf('\n', span.start);
  const lineEnd = newline < 0 ? text.length : newline;
  const written = text.slice(lineStart, lineEnd).replace(/\r$/, '');
  if (written.trim() === '') return undefined;
  const from = Math.min(span.start - lineStart, written.length);
  const to = Math.max(from + 1, Math.min(span.end - lineStart, written.trimEnd().length));
  // A line of a megabyte is not looked at as a whole.
  const near = Math.max(0, from - NEAR);
  return { line, ...underlined(cut(cellsOf(written.slice(near, from + NEAR), from - near, to - near))) };
}

function cellsOf(written: string, from: number, to: number): Cell[] {
  const cells: Cell[] = [];
  let offset = 0;
  for (const character of written) {
    cells.push({ ...drawn(character), marked: offset + character.length > from && offset < to });
    offset += character.length;
  }
  // A place behind the end, such as that of a missing value.
  if (from >= written.length) cells.push({ text: ' ', width: 1, marked: true });
  return cells;
}

function drawn(character: string): { text: string; width: number } {
  if (character === '\t') return { text: ' '.repeat(TAB_WIDTH), width: TAB_WIDTH };
  const isControl = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u.test(character);
  return isControl ? { text: '\ufffd', width: 1 } : { text: character, width: characterWidth(character) };
}

/** The part of a long line around its mark. */
function cut(cells: readonly Cell[]): readonly Cell[] {
  const total = cells.reduce((sum, cell) => sum + cell.width, 0);
  if (total <= WIDEST) return cells;
  const marked = cells.findIndex((cell) => cell.marked);
  let first = marked;
  let before = 0;
  while (first > 0 && before < WIDEST / 3) before += cells[--first]?.width ?? 0;
  let end = first;
  let width = 0;
  while (end < cells.length && width < WIDEST) width += cells[end++]?.width ?? 0;
  const mark = (isCut: boolean): Cell[] => (isCut ? [{ text: CUT, width: 1, marked: false }] : []);
  return [...mark(first > 0), ...cells.slice(first, end), ...mark(end < cells.length)];
}

function underlined(cells: readonly Cell[]): { text: string; indent: string; underline: string } {
  const first = cells.findIndex((cell) => cell.marked);
  const widthOf = (some: readonly Cell[]): number => some.reduce((sum, cell) => sum + cell.width, 0);
  const marked = Math.max(1, widthOf(cells.filter((cell) => cell.marked)));
  return {
    text: cells
      .map((cell) => cell.text)
      .join('')
      .trimEnd(),
    indent: ' '.repeat(widthOf(cells.slice(0, Math.max(0, first)))),
    underline: '^' + '~'.repeat(marked - 1),
  };
}
