import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { errnoOf, systemHint } from '../host/errno.ts';
import { findFirmware } from '../host/firmware.ts';
import { nodeLibraryFiles } from '../host/library-files.ts';
import type { MachineSpec, SpecBoot } from '../machine/spec.ts';
import type { Boot, KernelFormat } from '../project/project.ts';
import { detectKernelFormat, formatProblem } from '../vm/kernel-format.ts';
import { ActionFailure } from './failure.ts';

/**
 * What boots in a machine, with all that its definition leaves open found out: a kernel's format, where the firmware
 * is. Throws an {@link ActionFailure}.
 */
export function specBoot(boot: Boot | undefined): { readonly boot?: SpecBoot } {
  switch (boot?.kind) {
    case undefined:
      return {};
    case 'firmware':
      return { boot: { kind: 'firmware', path: boot.path ?? firmware() } };
    case 'init':
      return { boot };
    case 'kernel':
      return { boot: { ...boot, format: boot.format ?? kernelFormat(boot.path) } };
  }
}

function kernelFormat(file: string): KernelFormat {
  const detected = readingFrom(file, detectKernelFormat);
  if (!detected.ok) throw new ActionFailure(`kernel ${file} ${detected.error.message}`, detected.error.hint);
  const refused = formatProblem(detected.value, process.arch);
  if (refused) throw new ActionFailure(`kernel ${file}: ${refused.message}`, refused.hint);
  return detected.value;
}

function readingFrom<T>(file: string, read: (at: (offset: number, length: number) => Uint8Array) => T): T {
  const handle = opened('kernel', file, () => openSync(file, 'r'));
  try {
    return read((offset, length) => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(handle, bytes, 0, length, offset));
    });
  } finally {
    closeSync(handle);
  }
}

function opened<T>(what: string, file: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    throw new ActionFailure(`cannot read the ${what} ${file}: ${code}`, systemHint(code));
  }
}

function firmware(): string {
  const programDirectories = (process.env['PATH'] ?? '').split(path.delimiter);
  const files = nodeLibraryFiles();
  const realPath = (file: string): string | undefined => files.realPath(file);
  const found = findFirmware({ os: process.platform, programDirectories, realPath });
  if (found.ok) return found.value;
  throw new ActionFailure(
    `the EFI firmware was not found; looked at ${found.error.join(', ')}`,
    'install krunkit, which brings it (`brew install krunkit`), or name the file: `boot: { firmware: FILE }`',
  );
}

/** libkrun's build for confidential machines is chosen by what its configuration says (`tee`). */
export function specTee(config: string | undefined): Pick<MachineSpec, 'tee'> {
  if (config === undefined) return {};
  const text = opened('TEE configuration', config, () => readFileSync(config, 'utf8'));
  const tee = teeOf(text);
  const variant = tee === 'snp' || tee === 'sev' ? 'sev' : tee === 'tdx' ? 'tdx' : undefined;
  if (variant) return { tee: { config, variant } };
  throw new ActionFailure(
    `the TEE configuration ${config} does not say which technology it is for`,
    'write `"tee": "snp"` (AMD) or `"tee": "tdx"` (Intel) into it',
  );
}

function teeOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as { tee?: unknown }).tee : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
