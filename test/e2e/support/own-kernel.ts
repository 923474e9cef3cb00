import { readdirSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/**
 * An ELF file of Debian's kernel, which has no drivers for libkrun's devices but the serial port: KRUN_TEST_KERNEL, or the
 * one that the emulated host's image was made with. Undefined where there is neither.
 */
export function debianKernel(): string | undefined {
  const named = process.env['KRUN_TEST_KERNEL'];
  if (named) return named;
  const cache = path.join(process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'krun-lab');
  if (!statSync(cache, { throwIfNoEntry: false })) return undefined;
  return readdirSync(cache)
    .map((name) => path.join(cache, name, 'vmlinux'))
    .find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}
