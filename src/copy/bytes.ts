/*
 * File names are bytes, and not every name is UTF-8. Here a name is a string with one character for each byte: it is
 * cut, compared and joined like any string, and `pathOf` gives the name to the file system.
 */

/** The byte string of a name that came as text. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** What the functions of `node:fs` take. */
export function pathOf(bytes: string): Buffer {
  return Buffer.from(bytes, 'latin1');
}

/** A name for people: on one line, with what cannot be shown as in C. */
export function shown(bytes: string): string {
  const buffer = pathOf(bytes);
  const text = buffer.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(buffer);
  return isText ? text.replaceAll(CONTROLS, escape) : bytes.replaceAll(CONTROLS_AND_BYTES, escape);
}

// oxlint-disable-next-line no-control-regex -- these are what must not reach a terminal
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\\]/g;
// oxlint-disable-next-line no-control-regex
const CONTROLS_AND_BYTES = /[\u0000-\u001f\u007f-\u00ff\\]/g;

function escape(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (character === '\\') return '\\\\';
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
