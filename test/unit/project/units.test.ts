import { describe, expect, test } from 'vitest';
import {
  formatAge,
  formatDuration,
  formatSize,
  formatSizeChange,
  parseDuration,
  parseSize,
} from '../../../src/project/units.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

describe('a size', () => {
  test.each([
    ['512MiB', 512 * MIB],
    ['512M', 512 * MIB],
    ['512mb', 512 * MIB],
    ['1g', GIB],
    ['1.5GiB', 1.5 * GIB],
    ['2T', 2 * 1024 * GIB],
    ['10 GiB', 10 * GIB],
    ['64k', 65_536],
    ['100b', 100],
    ['4096', 4096],
    [4096, 4096],
    ['0', 0],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toEqual({ ok: true, value: bytes });
  });

  test.each(['', 'MiB', '1,5G', '-1M', '12x', '1e3', '5 apples', '1.G', 'NaN', '0x10', '1GiBB', 'i', '5i'])(
    '"%s" is none',
    (text) => {
      const parsed = parseSize(text);
      expect(parsed.ok ? parsed.value : parsed.error).toEqual({
        message: `"${text}" is not a size`,
        hint: 'write a number and a unit, such as 512MiB or 1.5GiB',
      });
    },
  );

  test('that no number can hold is too large', () => {
    expect(parseSize('9999999PiB')).toMatchObject({
      ok: false,
      error: { message: 'the size "9999999PiB" is too large' },
    });
  });

  test.each([
    [10 * GIB, '10 GiB'],
    [1.5 * GIB, '1.5 GiB'],
    [512 * MIB, '512 MiB'],
    [1000, '1000 bytes'],
    [0, '0 bytes'],
    [GIB + 1, '1073741825 bytes'],
  ])('of %d bytes is written %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  test.each([
    [10 * GIB, 20 * GIB, '10 -> 20 GiB'],
    [512 * MIB, GIB, '512 -> 1024 MiB'],
    [GIB, 1000, '1 GiB -> 1000 bytes'],
  ])('that changes from %d to %d is written %s', (from, to, text) => {
    expect(formatSizeChange(from, to)).toBe(text);
  });
});

describe('a duration', () => {
  test.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['1h5m30s20ms', 3_930_020],
    ['1.5s', 1500],
    ['2500us', 3],
    ['0', 0],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: ms });
  });

  test.each(['', 's', '1 m', '10 seconds', '-1s', '1d', '1m30'])('"%s" is none', (text) => {
    expect(parseDuration(text)).toMatchObject({
      ok: false,
      error: { message: `"${text}" is not a duration` },
    });
  });

  test('without a unit gets the likely one as hint', () => {
    expect(parseDuration(10)).toEqual({
      ok: false,
      error: { message: 'the duration "10" has no unit', hint: 'did you mean `10s`?' },
    });
  });

  test('that no timer can wait for is too long', () => {
    expect(parseDuration('1000h')).toMatchObject({
      ok: false,
      error: { message: 'the duration "1000h" is too long' },
    });
  });

  test.each([
    [0, '0s'],
    [500, '500ms'],
    [1500, '1.5s'],
    [90_000, '1m30s'],
    [3_600_000, '1h'],
  ])('of %d ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
    expect(parseDuration(text)).toEqual({ ok: true, value: ms });
  });
});

test.each([
  [-5, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [3_600_000, '1h'],
  [47 * 3_600_000, '47h'],
  [49 * 3_600_000, '2d'],
])('an age of %d ms is written %s', (ms, text) => {
  expect(formatAge(ms)).toBe(text);
});
