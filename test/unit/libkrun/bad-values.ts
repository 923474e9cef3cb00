import type { CaseFiles, MethodCase } from './methods.ts';
import { methodCases } from './methods.ts';

/** A value and whether every option of every method has to refuse it. */
export interface BadValue {
  readonly title: string;
  readonly value: unknown;
  readonly isAlwaysBad: boolean;
}

const many = Array.from({ length: 5000 }, () => 'x');

/** No file of the process has this number. */
const CLOSED = 0x7fff_fff0;

export const BAD_VALUES: readonly BadValue[] = [
  ...[
    { title: 'null', value: null },
    { title: 'NaN', value: Number.NaN },
    { title: 'infinity', value: Number.POSITIVE_INFINITY },
    { title: '-1', value: -1 },
    { title: 'a fraction', value: 1.5 },
    { title: '2^64', value: 2 ** 64 },
    { title: 'a bigint', value: 7n },
    { title: 'NUL in a text', value: 'a\0b' },
    { title: 'half a character', value: 'a\uD83D' },
    { title: 'a megabyte of text', value: 'x'.repeat(2 ** 20) },
    { title: 'a symbol', value: Symbol('x') },
    { title: 'a function', value: () => 'x' },
    { title: '5000 texts', value: many },
    { title: 'a list of null', value: [null] },
    { title: 'a list of NUL', value: ['a\0b'] },
    { title: 'a list of lists', value: [[]] },
    { title: 'a list with a hole', value: [undefined] },
    { title: 'a date', value: { getTime: 1, [Symbol.toPrimitive]: () => 1 } },
    { title: 'an object with NUL', value: { KEY: 'a\0b' } },
    { title: 'an object with an odd name', value: { 'A=B': 'c' } },
    { title: 'a wild pointer', value: { address: 8n, byteLength: 64 } },
    { title: 'no bytes at all', value: { address: 0n, byteLength: 0 } },
  ].map((entry) => ({ ...entry, isAlwaysBad: true })),
  ...[
    { title: 'a closed file', value: CLOSED },
    { title: '0', value: 0 },
    { title: '2^32', value: 2 ** 32 },
    { title: 'true', value: true },
    { title: 'an empty text', value: '' },
    { title: 'text beyond ASCII', value: 'größe' },
    { title: 'text with a space', value: '/a b' },
    { title: 'text with a line break', value: 'a\nb' },
    { title: 'text with a quote', value: 'a"b' },
    { title: '200 bytes of text', value: `/${'x'.repeat(199)}` },
    { title: 'an empty list', value: [] },
    { title: 'a list of text beyond ASCII', value: ['größe'] },
    { title: 'an empty object', value: {} },
    { title: 'an object beyond ASCII', value: { KEY: 'größe' } },
    { title: 'no bytes', value: new Uint8Array() },
    { title: 'bytes', value: new Uint8Array(7) },
  ].map((entry) => ({ ...entry, isAlwaysBad: false })),
];

/** Options of one call of a method. */
export interface BadCall {
  readonly method: MethodCase;
  readonly title: string;
  readonly options: unknown;
  readonly isAlwaysBad: boolean;
}

/** Every method with every option replaced by every bad value, left out, and with options that are none. */
export function badCalls(files: CaseFiles): readonly BadCall[] {
  return methodCases(files).flatMap((method) => badCallsOf(method));
}

function badCallsOf(method: MethodCase): readonly BadCall[] {
  const names = Object.keys(method.good);
  const replaced = names.flatMap((name) =>
    BAD_VALUES.map(({ title, value, isAlwaysBad }) => ({
      method,
      title: `${name}: ${title}`,
      options: { ...method.good, [name]: value },
      isAlwaysBad,
    })),
  );
  const missing = names.map((name) => ({
    method,
    title: `without ${name}`,
    options: Object.fromEntries(Object.entries(method.good).filter(([key]) => key !== name)),
    isAlwaysBad: !(method.optional ?? []).includes(name),
  }));
  // Methods without options take no notice of any.
  const whole = names.length === 0 ? [] : [null, undefined, 7, 'text', [], () => 1];
  return [
    ...replaced,
    ...missing,
    ...whole.map((options) => ({ method, title: `options: ${String(options)}`, options, isAlwaysBad: true })),
    ...(names.length === 0
      ? []
      : [
          {
            method,
            title: 'one option too many',
            options: { ...method.good, misspelt: 1 },
            isAlwaysBad: true,
          },
        ]),
  ];
}
