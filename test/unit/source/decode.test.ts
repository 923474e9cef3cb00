import { describe, expect, test } from 'vitest';
import { decodeText, LARGEST_FILE_BYTES } from '../../../src/source/decode.ts';

function messageOf(bytes: Uint8Array): string {
  const result = decodeText('/p/krun.yaml', bytes);
  return result.ok
    ? `text: ${JSON.stringify(result.value)}`
    : `${result.error.code}: ${result.error.message}`;
}

describe('bytes become text', () => {
  test('UTF-8 is taken as it is', () => {
    expect(messageOf(new TextEncoder().encode('a: ä世\n'))).toBe('text: "a: ä世\\n"');
  });

  test('a byte order mark is dropped', () => {
    expect(messageOf(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('text: "a"');
  });

  test.each([
    ['little-endian with a mark', Uint8Array.of(0xff, 0xfe, 0x61, 0)],
    ['big-endian with a mark', Uint8Array.of(0xfe, 0xff, 0, 0x61)],
    ['little-endian without a mark', Uint8Array.of(0x61, 0, 0x3a, 0)],
    ['big-endian without a mark', Uint8Array.of(0, 0x61, 0, 0x3a)],
  ])('UTF-16 is recognised: %s', (_name, bytes) => {
    expect(messageOf(bytes)).toBe('file-encoding: the file is UTF-16, not UTF-8');
  });

  test('a NUL byte is refused with its place', () => {
    expect(messageOf(Uint8Array.of(0x61, 0x62, 0x63, 0))).toBe('file-encoding: byte 4 of the file is NUL');
  });

  test.each([
    ['Latin-1', Uint8Array.of(0x61, 0x0a, 0xe9, 0x0a), 'byte 3 (0xe9, line 2)'],
    ['a cut character at the end', Uint8Array.of(0x61, 0xe4, 0xb8), 'byte 2 (0xe4, line 1)'],
    ['an overlong form', Uint8Array.of(0xc0, 0x80), 'byte 1 (0xc0, line 1)'],
    ['a surrogate', Uint8Array.of(0x61, 0xed, 0xa0, 0x80), 'byte 2 (0xed, line 1)'],
  ])('other encodings are refused where they differ: %s', (_name, bytes, place) => {
    expect(messageOf(bytes)).toBe(`file-encoding: the file is not UTF-8: ${place} does not belong there`);
  });

  test('a file that is too large is refused before it is decoded', () => {
    expect(messageOf(new Uint8Array(LARGEST_FILE_BYTES + 1).fill(0x61))).toMatch(
      /^limit: the file has 4194305/,
    );
    expect(messageOf(new Uint8Array(LARGEST_FILE_BYTES).fill(0x61))).toMatch(/^text: /);
  });
});
