import { statSync, type Stats } from 'node:fs';
import { errnoOf } from '../host/errno.ts';
import { KERNEL_FORMATS, RLIMITS, UNLIMITED } from '../vm/constants.ts';
import { execProblems, type ExecNames } from '../vm/exec-words.ts';
import { hasConsole } from '../vm/kernel-format.ts';
import type { KernelFormat } from '../vm/vm.ts';
import { U32, U64, type Told } from './context-base.ts';
import { ConsoleContext, NO_CONSOLE } from './context-console.ts';
import type { PathOptions } from './context-storage.ts';
import type { OptionReader } from './options.ts';

export type { KernelFormat };
export type RlimitName = keyof typeof RLIMITS;

export interface ExecOptions {
  /** In the guest; it is the program's argv[0] as well. No spaces. */
  readonly path: string;
  /** Without argv[0]. None when absent. */
  readonly args?: readonly string[];
  /** None when absent: libkrun's own default, the whole environment of this process, is not to be had. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface KernelOptions extends PathOptions {
  readonly format: KernelFormat;
  /** Path on the host. */
  readonly initramfs?: string;
  /** In place of libkrun's first words; it appends its own. Printable ASCII, at most 2047 bytes. */
  readonly cmdline?: string;
}

export interface Rlimit {
  readonly name: RlimitName;
  readonly soft: number | 'unlimited';
  readonly hard: number | 'unlimited';
}

const LONGEST_CMDLINE_BYTES = 2047;
const EXEC: ExecNames = {
  command: 'the command',
  environment: 'the environment',
  workingDir: 'the directory',
  hint: 'the words travel on the kernel command line; put what does not fit into /.krun_config.json in the root',
};

/** What runs in the guest: kernel or firmware, command, and whose process the machine is. */
export abstract class ProcessContext extends ConsoleContext {
  /**
   * The command that libkrun's init starts. The words travel on the kernel command line, so they are printable ASCII
   * without double quotes, at most 30 arguments and 30 variables, 1500 bytes together; `/.krun_config.json` in the root
   * has no such limits. Nothing of it reaches a guest that boots from firmware.
   */
  setExec(options: ExecOptions): void {
    let exec = this.told.exec;
    this.make('krun_set_exec', options, (o) => {
      const path = o.path('path');
      const args = o.has('args') ? o.texts('args', { mayBeEmpty: true }) : [];
      const env = o.environment('env');
      exec = this.#checkExec(o, 'path', { path, args, env });
      return [path, args, env];
    });
    this.told.exec = exec;
  }

  /** The environment alone; with {@link setExec} the later call of both counts. libkrun >= 1.3. */
  setEnv(options: { readonly env: Readonly<Record<string, string>> }): void {
    let exec = this.told.exec;
    this.make('krun_set_env', options, (o) => {
      if (!o.has('env')) o.fail('env', 'is missing; it must be an object of texts');
      const env = o.environment('env');
      exec = this.#checkExec(o, 'env', { env });
      return [env];
    });
    this.told.exec = exec;
  }

  /** The command's directory in the guest. No spaces: libkrun writes it unquoted on the kernel command line. */
  setWorkdir(options: PathOptions): void {
    let exec = this.told.exec;
    this.make('krun_set_workdir', options, (o) => {
      const workingDir = o.path('path');
      exec = this.#checkExec(o, 'path', { workingDir });
      return [workingDir];
    });
    this.told.exec = exec;
  }

  /** Resource limits of the command. EINVAL is never told: init passes over what the guest's kernel does not accept. */
  setRlimits(options: { readonly limits: readonly Rlimit[] }): void {
    this.make('krun_set_rlimits', options, (o) => [
      o.records('limits', (entry) => {
        const id = entry.choice('name', RLIMITS);
        const [soft, hard] = [limit(entry, 'soft'), limit(entry, 'hard')];
        if (BigInt(soft) > BigInt(hard)) entry.fail('soft', `is ${soft}, above the hard limit ${hard}`);
        return `${id}=${soft}:${hard}`;
      }),
    ]);
  }

  /**
   * A kernel of one's own. It has no TSI unless patched, and needs virtio over mmio. EINVAL where the kernel (raw) or the
   * initramfs cannot be read; other formats are read at the start. libkrun >= 1.11.
   */
  setKernel(options: KernelOptions): void {
    let bytes = 0;
    this.make('krun_set_kernel', options, (o) => {
      const path = o.path('path');
      const format = o.choice('format', KERNEL_FORMATS);
      const initramfs = o.maybe('initramfs', () => o.path('initramfs'));
      const cmdline = o.maybe('cmdline', () => this.#cmdline(o));
      if (format === KERNEL_FORMATS.raw) bytes = sizeOf(o, path);
      return [path, format, initramfs, cmdline];
    });
    // On x86_64 libkrun puts a raw kernel where its own would be.
    const isBundle = bytes > 0 && process.arch === 'x64';
    if (isBundle) this.told.boot = { kind: 'raw bundle', bytes };
    else this.#bootsFrom('kernel');
    this.told.kernelCmdline = isBundle ? undefined : options.cmdline;
  }

  /** An EDK2 image, which boots the first disk; command, environment, limits and ports have no effect. libkrun >= 1.16. */
  setFirmware(options: PathOptions): void {
    this.make('krun_set_firmware', options, (o) => [o.path('path')]);
    this.#bootsFrom('firmware');
  }

  /** Configuration of a confidential machine, which it needs: variants sev and tdx. libkrun >= 1.4.1. */
  setTeeConfigFile(options: PathOptions): void {
    this.make('krun_set_tee_config_file', options, (o) => [o.path('path')]);
  }

  /**
   * The whole process becomes this user in the start, after disks are opened and before the machine is built: root
   * directory, sockets and /dev/kvm are opened as the new one. Its further groups stay. libkrun >= 1.11.
   */
  setUid(options: { readonly uid: number }): void {
    this.make('krun_setuid', options, (o) => [o.integer('uid', [0, U32 - 1])]);
  }

  /** As {@link setUid} for the group, which comes first. libkrun >= 1.11. */
  setGid(options: { readonly gid: number }): void {
    this.make('krun_setgid', options, (o) => [o.integer('gid', [0, U32 - 1])]);
  }

  /** libkrun goes on to boot a raw bundle, whatever it is told after it. */
  #bootsFrom(kind: 'kernel' | 'firmware'): void {
    if (this.told.boot.kind !== 'raw bundle') this.told.boot = { kind };
  }

  #cmdline(o: OptionReader): string {
    const cmdline = o.text('cmdline', { mostBytes: LONGEST_CMDLINE_BYTES, only: 'line' });
    if (this.told.kernelConsole !== undefined && !hasConsole(cmdline))
      o.fail('cmdline', NO_CONSOLE.problem, NO_CONSOLE.hint);
    return cmdline;
  }

  #checkExec(o: OptionReader, name: string, news: Partial<Told['exec']>): Told['exec'] {
    const exec = { ...this.told.exec, ...news };
    const problems = execProblems(exec, EXEC).map(({ message }) => message);
    if (problems.length > 0) o.fail(name, `cannot be passed on: ${problems.join('; ')}`, EXEC.hint);
    return exec;
  }
}

function limit(entry: OptionReader, name: string): string {
  return entry.is(name, 'unlimited') ? UNLIMITED : String(entry.integer(name, [0, U64]));
}

/** libkrun maps a raw kernel in the call, where a pipe would hold it up for ever. */
function sizeOf(o: OptionReader, path: string): number {
  const found = look(path);
  if (!found?.isFile() || found.size === 0)
    o.fail('path', 'must be a file that can be read and is not empty');
  return found.size;
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
