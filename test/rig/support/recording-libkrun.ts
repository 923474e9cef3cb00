import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { availability, FUNCTION_NAMES, USUAL_FEATURES } from '../../../src/libkrun/availability.ts';
import type { LibraryVariant } from '../../../src/libkrun/packages.ts';
import {
  LIBKRUN_FEATURES,
  LIBKRUN_FUNCTIONS,
  type LibkrunFunction,
  type ParameterType,
} from '../../../src/vm/functions.ts';

const C_TYPES: Readonly<Record<ParameterType, string>> = {
  u8: 'uint8_t',
  u16: 'uint16_t',
  u32: 'uint32_t',
  u64: 'uint64_t',
  int: 'int',
  bool: 'bool',
  string: 'const char *',
  'string or null': 'const char *',
  strings: 'const char *const *',
  mac: 'const uint8_t *',
  bytes: 'const uint8_t *',
  'kept bytes': 'const uint8_t *',
  pointer: 'const void *',
  'out pointer': 'const uint8_t **',
  'out size': 'size_t *',
};

const WRITERS: Readonly<Record<ParameterType, (name: string, next: string) => string>> = {
  u8: number,
  u16: number,
  u32: number,
  u64: number,
  int: number,
  bool: (name) => `fprintf(out, "%s", ${name} ? "true" : "false");`,
  string: (name) => `text(${name});`,
  'string or null': (name) => `text(${name});`,
  strings: (name) =>
    `fputc('[', out); for (int i = 0; ${name}[i]; i++) { if (i) fputc(',', out); text(${name}[i]); } fputc(']', out);`,
  mac: (name) => `bytes(${name}, 6);`,
  bytes: (name, next) => `bytes(${name}, ${next});`,
  'kept bytes': (name, next) => `bytes(${name}, ${next}); kept = ${name}; kept_size = ${next};`,
  pointer: (name, next) => `bytes(${name}, ${next});`,
  'out pointer': (name) => `*${name} = (const uint8_t *)"\\x7f""ELF init";`,
  'out size': (name) => `*${name} = 9;`,
};

function number(name: string): string {
  return `fprintf(out, "%lld", (long long)${name});`;
}

/**
 * A library with the functions that a variant has, which writes what it is called with to the file that RECORD_KRUN
 * names, a call a line, and does nothing. `krun_free_ctx` writes the last kept bytes once more.
 */
export function compileRecorder(
  directory: string,
  variant: LibraryVariant,
  file: string,
  without: readonly LibkrunFunction[] = [],
): string {
  const ofVariant = FUNCTION_NAMES.filter((name) => availability[name].variants.includes(variant));
  const names = ofVariant.filter((name) => !without.includes(name));
  const source = path.join(directory, `${file}.c`);
  writeFileSync(source, [PRELUDE, ...names.map((name) => functionSource(name, variant))].join('\n'));
  const library = path.join(directory, file);
  const flags = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared'];
  execFileSync(process.env['CC'] || 'cc', [...flags, '-o', library, source]);
  return library;
}

const PRELUDE = `
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static FILE *out;
static const uint8_t *kept;
static size_t kept_size;
static void text(const char *s) { if (s) fprintf(out, "\\"%s\\"", s); else fprintf(out, "null"); }
static void bytes(const void *p, size_t size) {
  fputc('<', out);
  for (size_t i = 0; i < size; i++) fprintf(out, "%02x", ((const uint8_t *)p)[i]);
  fputc('>', out);
}
`;

function functionSource(name: LibkrunFunction, variant: LibraryVariant): string {
  const { parameters } = LIBKRUN_FUNCTIONS[name];
  const declared = parameters.map((type, index) => `${C_TYPES[type]} a${index}`).join(', ');
  const written = parameters.map((type, index) => {
    const comma = index > 0 && !type.startsWith('out ') ? `fprintf(out, ", ");` : '';
    return `  ${comma}${WRITERS[type](`a${index}`, `a${index + 1}`)}`;
  });
  return `
int32_t ${name}(${declared || 'void'}) {
  out = fopen(getenv("RECORD_KRUN"), "a");
  fprintf(out, "${name}(");
${written.join('\n')}
  fprintf(out, ")\\n");
${name === 'krun_free_ctx' ? '  if (kept) { bytes(kept, kept_size); fputc(10, out); }' : '  (void)kept; (void)kept_size;'}
  fclose(out);
  return ${resultOf(name, variant)};
}`;
}

function resultOf(name: LibkrunFunction, variant: LibraryVariant): string {
  if (name === 'krun_start_enter') return '-22';
  if (name !== 'krun_has_feature') return '0';
  return USUAL_FEATURES[variant].map((feature) => `a0 == ${LIBKRUN_FEATURES[feature]}`).join(' || ');
}
