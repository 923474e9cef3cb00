import { existsSync, readFileSync, statSync } from 'node:fs';
import { ignoreErrno, unlessMissingSync } from '../host/errno.ts';
import { architectureMismatch, startOfFile } from '../libkrun/elf.ts';
import type { Libkrun } from '../libkrun/ffi.ts';
import type { MachineFailure } from './failure.ts';
import { missingMountPoints } from './mount-points.ts';
import type { MachineSpec, SpecBoot } from './spec.ts';

/** What libkrun would tell as one number, or not at all, of what boots and of the host under it. */
export function checkBoot(spec: MachineSpec, library: Libkrun): MachineFailure | undefined {
  return (
    (spec.boot && checkFiles(spec.boot)) ??
    checkMountPoints(spec, library) ??
    (spec.nested ? checkNested(library) : undefined) ??
    (spec.tee && checkTee(spec.tee.variant))
  );
}

function checkFiles(boot: SpecBoot): MachineFailure | undefined {
  const initrd =
    boot.kind === 'kernel' && boot.initrd !== undefined ? [['initrd', boot.initrd] as const] : [];
  for (const [what, file] of [[boot.kind, boot.path] as const, ...initrd]) {
    const kind = unlessMissingSync(() => statSync(file));
    if (!kind?.isFile()) {
      const problem = kind ? 'is not a file' : 'does not exist';
      return {
        code: 'path',
        message: `${what} ${file} ${problem}`,
        hint: 'correct the path, or make the file',
      };
    }
  }
  if (boot.kind === 'firmware') return undefined;
  const mismatch = architectureMismatch(startOfFile(boot.path), process.arch);
  if (mismatch === undefined) return undefined;
  return {
    code: 'path',
    message: `${boot.kind} ${boot.path} is for ${mismatch}, and this host is ${process.arch}`,
    hint: 'use one for the architecture of this host',
  };
}

function checkMountPoints(spec: MachineSpec, library: Libkrun): MachineFailure | undefined {
  const { possible, impossible } = missingMountPoints(spec);
  const missing = library.has('krun_fs_add_overlay_dir') ? impossible : [...possible, ...impossible];
  if (missing.length === 0 || spec.root.kind !== 'directory') return undefined;
  // Without that, the root cannot be read-only at all, which is told as well.
  if (!library.has('krun_add_virtiofs3')) return undefined;
  const names = missing.map((name) => `/${name}`).join(', ');
  return {
    code: 'path',
    message: `the read-only root ${spec.root.path} has no ${names}, which the guest mounts over`,
    hint: `make ${missing.length === 1 ? 'it' : 'them'} in the root: (cd ${spec.root.path} && mkdir -p ${missing.join(' ')})${
      impossible.length === 0 ? '; libkrun 1.19 or newer needs none' : ''
    }`,
  };
}

function checkNested(library: Libkrun): MachineFailure | undefined {
  const answer = library.has('krun_check_nested_virt') ? library.call('krun_check_nested_virt', []) : -1;
  if (answer === 1) return undefined;
  const isMac = process.platform === 'darwin';
  if (answer < 0 && !isMac) {
    return {
      code: 'capability',
      message: 'this libkrun has no nested virtualization on Linux',
      hint: 'use libkrun 1.18 or newer, or remove `nested`; `krun doctor` shows which one is used',
    };
  }
  return {
    code: 'capability',
    message: isMac
      ? 'this Mac cannot give its guests virtual machines'
      : "this host's KVM does not give its guests virtual machines",
    hint: isMac
      ? 'it takes an M3 or newer with macOS 15 or newer; remove `nested`'
      : 'load the module with `nested=1` (kvm_intel or kvm_amd), or remove `nested`',
  };
}

const TDX_SWITCH = '/sys/module/kvm_intel/parameters/tdx';

/** What the kernel of a host shows that can run such guests. */
function checkTee(variant: 'sev' | 'tdx'): MachineFailure | undefined {
  if (variant === 'sev') {
    if (existsSync('/dev/sev')) return undefined;
    return {
      code: 'capability',
      message: 'this host has no /dev/sev: it runs no machines with AMD SEV',
      hint: 'it takes an EPYC processor with SEV turned on in the firmware, and the modules ccp and kvm_amd with `sev=1`',
    };
  }
  if (textOf(TDX_SWITCH).trim() === 'Y') return undefined;
  return {
    code: 'capability',
    message: `${TDX_SWITCH} is not Y: this host runs no machines with Intel TDX`,
    hint: 'it takes a processor with TDX turned on in the firmware, and the module kvm_intel with `tdx=1`',
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    ignoreErrno(error, 'ENOENT');
    return '';
  }
}
