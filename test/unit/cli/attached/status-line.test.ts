import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { StatusLine } from '../../../../src/cli/attached/status-line.ts';

const ESCAPE = '\u001b';
const CONTROL = new RegExp(`(\\r|\\n|${ESCAPE}\\[[0-9]*[A-Za-z])`);

/** What a terminal shows, line for line, after these bytes. */
function screen(bytes: string): string[] {
  const lines = [''];
  for (const part of bytes.split(CONTROL)) {
    if (part === '\n') lines.push('');
    else if (part === `${ESCAPE}[K`) lines[lines.length - 1] = '';
    else if (part !== '\r' && !part.startsWith(ESCAPE)) lines[lines.length - 1] += part;
  }
  return lines;
}

test('output goes above the line, and a line that is still open is left alone', () => {
  let bytes = '';
  const terminal = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.toString();
      done();
    },
  });
  const line = new StatusLine(terminal, () => 12);
  const stdout = line.wrap(terminal);
  const stderr = line.wrap(terminal);
  const shown = (): string[] => screen(bytes);
  line.set('status: longer than it may be');
  expect(shown()).toEqual(['status: lon']);
  stdout.write('web | one\n');
  expect(shown()).toEqual(['web | one', 'status: lon']);
  stdout.write('web | half');
  expect(shown()).toEqual(['web | one', 'web | half']);
  stderr.write('\nstopped\n');
  expect(shown()).toEqual(['web | one', 'web | half', 'stopped', 'status: lon']);
  line.set(undefined);
  expect(shown()).toEqual(['web | one', 'web | half', 'stopped', '']);
});
