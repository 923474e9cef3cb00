import { startOfFile } from '../libkrun/elf.ts';
import type { LogReason } from './log-reasons.ts';
import type { SpecDisk } from './spec.ts';

const QCOW2 = 'QFI\u00FB';
const VMDK_SPARSE = 'KDMV';
const VMDK_DESCRIPTOR = '# Disk DescriptorFile';

/** Which image libkrun could not open, and why: its own log says neither. Undefined where all look right. */
export function imageProblem(disks: readonly SpecDisk[]): LogReason | undefined {
  for (const disk of disks) {
    const problem = formatProblem(disk, Buffer.from(startOfFile(disk.path)).toString('latin1'));
    if (problem) return problem;
  }
  return undefined;
}

function formatProblem({ path, format }: SpecDisk, start: string): LogReason | undefined {
  if (format === 'vmdk' && start.startsWith(VMDK_SPARSE)) {
    return {
      reason: `disk image ${path} is a sparse vmdk; this libkrun reads only flat ones (monolithicFlat)`,
      hint: 'convert it: qemu-img convert -O qcow2 OLD.vmdk NEW.qcow2',
    };
  }
  const isRight =
    format === 'raw' ||
    (format === 'qcow2' && start.startsWith(QCOW2)) ||
    (format === 'vmdk' && start.startsWith(VMDK_DESCRIPTOR));
  if (isRight) return undefined;
  const hint = 'set `format` to what the image really is; `qemu-img info FILE` says it';
  return { reason: `disk image ${path} is not a ${format} image`, hint };
}
