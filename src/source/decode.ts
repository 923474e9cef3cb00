import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';

/** Largest configuration file that is read; a real one has a few kilobytes. */
export const LARGEST_FILE_BYTES: number = 4 * 1024 * 1024;

/** Text of a configuration file: UTF-8, without a byte order mark. */
export function decodeText(path: string, bytes: Uint8Array): Result<string, Diagnostic> {
  const refuse = (message: string, hint: string, code: 'file-encoding' | 'limit' = 'file-encoding') =>
    err(errorDiagnostic(code, message, { hint, span: { file: path, start: 0, end: 0 } }));
  if (bytes.length > LARGEST_FILE_BYTES) {
    return refuse(
      `the file has ${bytes.length} bytes, more than the ${LARGEST_FILE_BYTES} that krun reads`,
      'check that this is a configuration file and not data',
      'limit',
    );
  }
  if (isUtf16(bytes)) return refuse('the file is UTF-16, not UTF-8', 'save it as UTF-8');
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    return refuse(
      `byte ${nul + 1} of the file is NUL`,
      'this looks like a binary file; krun reads UTF-8 text',
    );
  }
  const invalid = firstInvalidByte(bytes);
  if (invalid !== undefined) {
    const value = `0x${(bytes[invalid] ?? 0).toString(16).padStart(2, '0')}`;
    return refuse(
      `the file is not UTF-8: byte ${invalid + 1} (${value}, line ${lineOf(bytes, invalid)}) does not belong there`,
      'save it as UTF-8',
    );
  }
  // The decoder drops the byte order mark.
  return ok(new TextDecoder('utf-8').decode(bytes));
}

/** A byte order mark, or ASCII whose every second byte is zero. */
function isUtf16(bytes: Uint8Array): boolean {
  const [first, second, third, fourth] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  if (bytes.length < 4) return false;
  const littleEndian = first !== 0 && second === 0 && third !== 0 && fourth === 0;
  const bigEndian = first === 0 && second !== 0 && third === 0 && fourth !== 0;
  return littleEndian || bigEndian;
}

function firstInvalidByte(bytes: Uint8Array): number | undefined {
  if (isUtf8(bytes)) return undefined;
  // The longest prefix that more bytes could make valid.
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isUtf8Prefix(bytes.subarray(0, middle))) low = middle;
    else high = middle - 1;
  }
  // Back to the start of the character that went wrong.
  while (low > 0 && !isUtf8(bytes.subarray(0, low))) low--;
  // What the prefix ends with may be the start of the bad sequence: up to three bytes, named by its first.
  let start = low;
  while (start > low - 3 && !isUtf8(bytes.subarray(0, start))) start--;
  return start;
}

function isUtf8(bytes: Uint8Array): boolean {
  return decodes(bytes, false);
}

/** True as well where the end cuts a character. */
function isUtf8Prefix(bytes: Uint8Array): boolean {
  return decodes(bytes, true);
}

function decodes(bytes: Uint8Array, stream: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream });
    return true;
  } catch (error) {
    // TypeError is how a fatal decoder reports bytes that are not UTF-8.
    if (error instanceof TypeError) return false;
    throw error;
  }
}

function lineOf(bytes: Uint8Array, offset: number): number {
  let line = 1;
  for (const byte of bytes.subarray(0, offset)) if (byte === 0x0a) line++;
  return line;
}
