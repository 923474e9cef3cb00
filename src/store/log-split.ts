/** A longer line is stored in pieces of this many bytes, so no line of a log needs unbounded memory. */
export const LONGEST_PIECE: number = 16 * 1024;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** One line, or a piece of a long one. */
export interface Piece {
  readonly text: string;
  /** Bytes of the input up to the end of the piece, with its newline. */
  readonly end: number;
  /** The line goes on in the next piece. */
  readonly partial: boolean;
}

/**
 * Cuts raw output into lines. What is left after the last piece is not a whole line yet and has to be offered again with
 * more bytes behind it, unless `final` says that there will be none. Where the pieces of a line are cut depends on the
 * line alone, not on how many bytes were there at a time.
 */
export function splitPieces(bytes: Buffer, final: boolean): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, start);
    const lineEnd = newline === -1 ? bytes.length : newline;
    if (lineEnd - start > LONGEST_PIECE) {
      const end = characterBorder(bytes, start + LONGEST_PIECE);
      pieces.push({ text: bytes.toString('utf8', start, end), end, partial: true });
      start = end;
    } else if (newline !== -1) {
      const textEnd = newline > start && bytes[newline - 1] === RETURN ? newline - 1 : newline;
      pieces.push({ text: bytes.toString('utf8', start, textEnd), end: newline + 1, partial: false });
      start = newline + 1;
    } else if (final) {
      pieces.push({ text: bytes.toString('utf8', start), end: bytes.length, partial: false });
      start = bytes.length;
    } else {
      break;
    }
  }
  return pieces;
}

/** The last place up to `at` that is not inside a UTF-8 character; `at` itself where the bytes are not UTF-8. */
function characterBorder(bytes: Buffer, at: number): number {
  for (let border = at; border > at - 4; border -= 1) {
    if (((bytes[border] ?? 0) & 0xc0) !== 0x80) return border;
  }
  return at;
}
