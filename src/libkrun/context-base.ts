import type { Argument } from '../vm/calls.ts';
import type { LibkrunFunction } from '../vm/functions.ts';
import type { Binding } from './binding.ts';
import { OptionReader } from './options.ts';

/** What a context was told that decides whether a later call is safe. */
export interface Told {
  vcpus: number;
  memoryMiB: number;
  boot:
    | { readonly kind: 'bundled kernel' | 'kernel' | 'firmware' }
    /** A raw kernel on x86_64. */
    | { readonly kind: 'raw bundle'; readonly bytes: number };
  /** The command line that came with the kernel. */
  kernelCmdline: string | undefined;
  kernelConsole: string | undefined;
  /** Of each multiport console, by its number, how many ports it has. */
  readonly consolePorts: Map<number, number>;
  /** Open files, with the call that they were given to. */
  readonly descriptors: Map<number, LibkrunFunction>;
  exec: { path: string; args: readonly string[]; env: readonly string[]; workingDir?: string };
}

/** The part of a context that makes calls. */
export abstract class ContextBase {
  /** libkrun's number of the context. */
  readonly id: number;
  protected readonly binding: Binding;
  protected readonly told: Told = {
    vcpus: 1,
    memoryMiB: 128,
    boot: { kind: 'bundled kernel' },
    kernelCmdline: undefined,
    kernelConsole: undefined,
    consolePorts: new Map(),
    descriptors: new Map(),
    exec: { path: '/bin/sh', args: [], env: [] },
  };

  constructor(binding: Binding, id: number) {
    this.binding = binding;
    this.id = id;
  }

  /** Makes a call with the context first, and what is read from the options after it. */
  protected make(
    name: LibkrunFunction,
    options: object,
    read: (options: OptionReader) => readonly Argument[] = () => [],
  ): number {
    const reader = new OptionReader(name, options);
    const args = read(reader);
    reader.finish();
    const result = this.binding.call(name, [this.id, ...args]);
    for (const fd of reader.descriptors) this.told.descriptors.set(fd, name);
    return result;
  }
}

/** Largest values of C's unsigned types. */
export const U16 = 0xffff;
export const U32 = 0xffff_ffff;
/** u64, as far as JavaScript counts exactly. */
export const U64: number = Number.MAX_SAFE_INTEGER;
