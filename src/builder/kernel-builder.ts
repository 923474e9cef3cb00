import type { Diagnostic } from '../base/diagnostic.ts';
import { KERNEL_FORMATS } from '../vm/constants.ts';
import type { KernelFormat, VmBoot } from '../vm/vm.ts';
import { hostPath, oneOf, text } from './checks.ts';
import { mistake, refusal } from './error.ts';
import { Part } from './part.ts';

export interface KernelState {
  readonly kernel?: { readonly path: string; readonly format: KernelFormat };
  readonly initramfs?: string;
  readonly cmdline?: string;
  readonly firmware?: string;
  readonly krunfwPath?: string;
  /** Bytes, or where the guest's root directory has the program. */
  readonly init?: Uint8Array | string;
  readonly console?: string;
}

export const KERNEL: KernelState = {};

/** What boots; libkrunfw's kernel with libkrun's init when nothing is said. */
export class KernelBuilder extends Part<KernelState> {
  /** A kernel in place of the bundled one. On x86_64 `raw` is a kernel made for libkrunfw, not a bzImage. */
  path(file: string, format: KernelFormat): this {
    return this.with(
      { kernel: { path: hostPath(file), format } },
      text('kernel.path', file),
      oneOf('kernel.path', format, Object.keys(KERNEL_FORMATS)),
    );
  }

  /** Initial RAM disk of the kernel of `path`. */
  initramfs(file: string): this {
    return this.with({ initramfs: hostPath(file) }, text('kernel.initramfs', file));
  }

  /** Adds to the command line of the kernel of `path`; libkrun appends its own words to it. */
  cmdline(words: string): this {
    const { cmdline } = this.state;
    const line = cmdline === undefined ? words : `${cmdline} ${words}`;
    return this.with({ cmdline: line }, text('kernel.cmdline', words));
  }

  /** Firmware (an EDK2 image), which boots the first disk. */
  firmware(file: string): this {
    return this.with({ firmware: hostPath(file) }, text('kernel.firmware', file));
  }

  /** The libkrunfw to take the bundled kernel from, in place of the one that krun finds. */
  krunfwPath(file: string): this {
    return this.with({ krunfwPath: hostPath(file) }, text('kernel.krunfwPath', file));
  }

  /**
   * Program of the guest's root directory that is the first process, in place of libkrun's init, libkrun >= 1.19. Its
   * content is what runs, under the name /init.krun.
   */
  initPath(guestPath: string): this {
    return this.with({ init: guestPath }, text('kernel.initPath', guestPath));
  }

  /** The same with the program itself. */
  init(program: Uint8Array): this {
    const problem =
      program.length === 0 ? mistake('kernel.init', 'a program of no bytes cannot run') : undefined;
    return this.with({ init: program }, problem);
  }

  /** The kernel's `console=`; hvc0 when not said. */
  console(name: string): this {
    return this.with({ console: name }, text('kernel.console', name));
  }
}

/** The kernel's part of a machine; `init` is the program where one was named. */
export function bootOf(state: KernelState, init: Uint8Array | undefined): VmBoot | undefined {
  const { kernel, initramfs, cmdline, firmware } = state;
  if (kernel) {
    return {
      kind: 'kernel',
      ...kernel,
      ...(initramfs === undefined ? {} : { initramfs }),
      ...(cmdline === undefined ? {} : { cmdline }),
    };
  }
  if (firmware !== undefined) return { kind: 'firmware', path: firmware };
  return init && { kind: 'bundled', init };
}

/** What does not go together. */
export function kernelMistakes(state: KernelState): readonly Diagnostic[] {
  const { kernel, firmware, initramfs, cmdline, krunfwPath, init } = state;
  const problems: Diagnostic[] = [];
  if (kernel && firmware !== undefined)
    problems.push(mistake('kernel', 'path() and firmware() exclude each other'));
  const needsKernel = Object.entries({ initramfs, cmdline }).filter(([, value]) => value !== undefined);
  for (const [name] of kernel ? [] : needsKernel) {
    const reason =
      firmware === undefined
        ? 'libkrun has no function for it with the bundled kernel'
        : 'firmware finds both on the disk';
    problems.push(refusal(`kernel.${name}`, reason, 'name a kernel with path(), or remove it'));
  }
  const isBundled = !kernel && firmware === undefined;
  if (!isBundled && krunfwPath !== undefined)
    problems.push(mistake('kernel.krunfwPath', 'the kernel in it would not be used'));
  if (!isBundled && init !== undefined)
    problems.push(
      mistake('kernel.init', 'another kernel has an init of its own', 'name it in its cmdline()'),
    );
  return problems;
}
