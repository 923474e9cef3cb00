import { closeSync, openSync, readSync } from 'node:fs';

const MACHINES: Readonly<Record<number, string>> = {
  3: 'ia32',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
};

/** Processors besides their own whose programs a kernel runs. */
const ALSO_RUNS: Readonly<Record<string, readonly string[]>> = { x64: ['ia32'], arm64: ['arm'] };

/** The processor that an ELF program is for, where it is not one that a guest on `arch` can run. */
export function architectureMismatch(start: Uint8Array, arch: string): string | undefined {
  const isElf = start.length >= 20 && String.fromCodePoint(...start.subarray(0, 4)) === '\u007FELF';
  if (!isElf) return undefined;
  const isLittleEndian = start[5] === 1;
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const machine = view.getUint16(18, isLittleEndian);
  const name = MACHINES[machine] ?? `ELF machine ${machine}`;
  return name === arch || ALSO_RUNS[arch]?.includes(name) ? undefined : name;
}

/** As many bytes of a file as tell what it is. */
export function startOfFile(file: string): Uint8Array {
  const handle = openSync(file, 'r');
  try {
    const bytes = new Uint8Array(64);
    return bytes.subarray(0, readSync(handle, bytes));
  } finally {
    closeSync(handle);
  }
}
