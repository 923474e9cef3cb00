import { err, ok, type Result } from '../base/result.ts';

/**
 * Splits a command line as a POSIX shell would, without expanding anything: quotes and backslashes join words, and
 * `$`, `*`, `|` and the like are ordinary characters. Compose reads the string form of `command` the same way.
 */
export function splitWords(text: string): Result<readonly string[], string> {
  const words: string[] = [];
  // An empty pair of quotes is a word; no characters at all are none.
  let word: string | undefined;
  let index = 0;
  while (index < text.length) {
    const character = text.charAt(index);
    if (isBlank(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      index++;
      continue;
    }
    // A backslash at the end of a line joins it with the next, and makes no word of its own.
    if (text.startsWith('\\\n', index)) {
      index += 2;
      continue;
    }
    const piece = readPiece(text, index);
    if (!piece.ok) return piece;
    word = (word ?? '') + piece.value.text;
    index = piece.value.next;
  }
  if (word !== undefined) words.push(word);
  return ok(words);
}

interface Piece {
  readonly text: string;
  readonly next: number;
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r';
}

function readPiece(text: string, start: number): Result<Piece, string> {
  switch (text.charAt(start)) {
    case "'":
      return readSingleQuoted(text, start);
    case '"':
      return readDoubleQuoted(text, start);
    case '\\':
      return readEscape(text, start);
    default:
      return ok({ text: text.charAt(start), next: start + 1 });
  }
}

function readSingleQuoted(text: string, start: number): Result<Piece, string> {
  const end = text.indexOf("'", start + 1);
  if (end < 0) return err("a single quote (') is not closed");
  return ok({ text: text.slice(start + 1, end), next: end + 1 });
}

function readDoubleQuoted(text: string, start: number): Result<Piece, string> {
  let value = '';
  for (let index = start + 1; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '"') return ok({ text: value, next: index + 1 });
    // Inside double quotes a backslash is special only before these.
    if (character === '\\' && '"\\$`\n'.includes(text.charAt(index + 1)) && index + 1 < text.length) {
      index++;
      if (text.charAt(index) !== '\n') value += text.charAt(index);
    } else {
      value += character;
    }
  }
  return err('a double quote (") is not closed');
}

function readEscape(text: string, start: number): Result<Piece, string> {
  const next = text.charAt(start + 1);
  if (next === '') return err('nothing follows the last backslash');
  return ok({ text: next, next: start + 2 });
}
