import type { KernelFormat } from '../vm/vm.ts';
import type { DiskAttachment, Machine } from './project.ts';

export type { KernelFormat };

/** What a machine boots in place of the bundled kernel, or in it in place of libkrun's init. */
export type Boot =
  | {
      readonly kind: 'kernel';
      /** Absolute, as all paths here. */
      readonly path: string;
      /** By the file's contents when absent. */
      readonly format?: KernelFormat;
      readonly initrd?: string;
      /** In place of the line's beginning, which has libkrun's init in it; libkrun appends to it. */
      readonly cmdline?: string;
    }
  /** An EFI image, which boots from a disk; looked for where packages put one when `path` is absent. */
  | { readonly kind: 'firmware'; readonly path?: string }
  /** The bundled kernel with a program of the host in place of libkrun's init. */
  | { readonly kind: 'init'; readonly path: string };

export type Root =
  | {
      readonly kind: 'directory';
      readonly path: string;
      /** The guest cannot change it. */
      readonly readOnly?: true;
      /** What the guest sees on top of it. */
      readonly overlay?: Overlay;
    }
  /** The machine boots by itself, and finds on its own what it needs. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'disk';
      readonly disk: DiskAttachment;
      /** Device in the guest, `/dev/vda` or a partition of it. */
      readonly device: string;
      /** File system in the guest; probed by the kernel when absent. */
      readonly fstype?: string;
      /** mount(8) options. */
      readonly options?: string;
    };

/** Files and directories that exist in the guest's view of a directory only. */
export interface Overlay {
  readonly files: readonly OverlayFile[];
  /** Parents first. */
  readonly directories: readonly OverlayDirectory[];
}

export interface OverlayFile {
  /** Relative to the root, without `.` and `..`. */
  readonly path: string;
  readonly source:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'content'; readonly content: string };
  /** Permission bits. */
  readonly mode: number;
  /** It is there for the first look only. */
  readonly isOneShot: boolean;
}

export interface OverlayDirectory {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
}

/** What libkrun's own beginning of the command line says, and one in its place must say for its init to run. */
const LIBKRUN_INIT = /(^| )init=\/init\.krun( |$)/;

/**
 * Whether libkrun's init does not run, so that a command of krun.yaml, the agent and an exit code do not exist: what the
 * guest does is its own affair.
 */
export function bootsItself(boot: Boot | undefined, root: Root['kind']): boolean {
  if (boot === undefined) return false;
  if (boot.kind !== 'kernel') return true;
  const { initrd, cmdline } = boot;
  return initrd !== undefined || root === 'none' || (cmdline !== undefined && !LIBKRUN_INIT.test(cmdline));
}

/**
 * Whether libkrun makes a device for the root: for a directory, whoever boots, and for a disk that its init mounts. A
 * guest that boots by itself or is confidential has the disk alone.
 */
export function hasRootDevice({
  boot,
  root,
  teeConfig,
}: Pick<Machine, 'boot' | 'root' | 'teeConfig'>): boolean {
  if (root.kind !== 'disk') return root.kind === 'directory';
  return teeConfig === undefined && !bootsItself(boot, root.kind);
}
