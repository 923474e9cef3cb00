import { accessSync, constants, statSync } from 'node:fs';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { errnoOf } from '../host/errno.ts';
import type { Libkrun } from '../libkrun/ffi.ts';
import { imageProblem } from '../machine/image-problem.ts';
import { lockDisks } from '../machine/disk-locks.ts';
import { LEAST_BUNDLED_KERNEL_MIB } from '../vm/constants.ts';
import type { Vm } from '../vm/vm.ts';
import { devicesOf, type KrunkitOptions } from './options.ts';
import { clearSocketPlace, longPath } from './sockets.ts';
import { MOST_SOCKET_PATH_BYTES } from '../host/unix-sockets.ts';

/** Shares, images and memory that libkrun would refuse without a word, or abort over. */
export function checkFiles(options: KrunkitOptions, vm: Vm): readonly Diagnostic[] {
  return [
    ...devicesOf(options, 'share').flatMap(({ directory }) => shareProblem(directory)),
    ...(vm.exec && vm.memoryMiB < LEAST_BUNDLED_KERNEL_MIB ? [tooLittleMemory(vm.memoryMiB)] : []),
    ...diskProblems(vm),
  ];
}

function shareProblem(directory: string): readonly Diagnostic[] {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  const message = `sharedDir ${directory} is not a directory, or does not exist`;
  return [errorDiagnostic('path', message, { hint: 'create it, or remove the virtio-fs' })];
}

function tooLittleMemory(memoryMiB: number): Diagnostic {
  return errorDiagnostic('limit', `${memoryMiB} MiB of memory cannot hold the kernel of libkrunfw`, {
    hint: 'write --memory 256 or more',
  });
}

function diskProblems({ disks }: Vm): readonly Diagnostic[] {
  const wrong = imageProblem(disks);
  if (wrong) {
    const hint = 'write format=raw or format=qcow2; `qemu-img info FILE` says what the image is';
    return [errorDiagnostic('path', wrong.reason, { hint })];
  }
  // Not before: a lock is for the rest of this process's life.
  const busy = lockDisks(disks);
  if (!busy) return [];
  const hint =
    busy.code === 'conflict' ? { hint: 'two writers destroy an image: end the other one first' } : {};
  return [errorDiagnostic(busy.code, busy.message, hint)];
}

/** Sockets of virtio-vsock: places where libkrun can make them, and paths that it can connect to. */
export function checkVsockSockets(options: KrunkitOptions): readonly Diagnostic[] {
  return devicesOf(options, 'vsock').flatMap(({ path, listener }) => {
    const problem =
      listener === 'guest'
        ? clearSocketPlace(path, 'socketURL')
        : longPath(path, 'socketURL', MOST_SOCKET_PATH_BYTES);
    return problem ? [problem] : [];
  });
}

/** Whether this host runs virtual machines at all, and with so many CPUs. */
export function checkHost(vm: Vm, library: Libkrun): Diagnostic | undefined {
  const refused = process.platform === 'linux' ? kvmProblem() : undefined;
  if (refused) return refused;
  if (!library.has('krun_get_max_vcpus')) return undefined;
  const most = library.call('krun_get_max_vcpus', []);
  if (most <= 0 || vm.vcpus <= most) return undefined;
  return errorDiagnostic(
    'limit',
    `--cpus ${vm.vcpus} is more than the ${most} that this host can give a machine`,
  );
}

function kvmProblem(): Diagnostic | undefined {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const message = code === 'ENOENT' ? 'this host has no /dev/kvm' : `permission denied: /dev/kvm (${code})`;
    return errorDiagnostic('environment', message, { hint: '`krun doctor` checks it' });
  }
}
