import type { LibkrunFunction } from '../vm/functions.ts';

/** A refused libkrun call, in words. */
export interface KrunError {
  readonly call: LibkrunFunction;
  /** Name of the negative result, such as `EINVAL`; `errno 200` for an unknown one. */
  readonly errno: string;
  /** What it means in that call. */
  readonly meaning: string;
  /** What to do about it. */
  readonly hint?: string;
}

const COMMON: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  5: 'EIO',
  9: 'EBADF',
  12: 'ENOMEM',
  13: 'EACCES',
  16: 'EBUSY',
  17: 'EEXIST',
  19: 'ENODEV',
  20: 'ENOTDIR',
  21: 'EISDIR',
  22: 'EINVAL',
  24: 'EMFILE',
  25: 'ENOTTY',
  28: 'ENOSPC',
};
/** libkrun returns the numbers of the system that it runs on, and these differ. */
const LINUX: Readonly<Record<number, string>> = {
  36: 'ENAMETOOLONG',
  95: 'EOPNOTSUPP',
  98: 'EADDRINUSE',
  114: 'EALREADY',
};
const MACOS: Readonly<Record<number, string>> = {
  37: 'EALREADY',
  45: 'ENOTSUP',
  48: 'EADDRINUSE',
  63: 'ENAMETOOLONG',
  102: 'EOPNOTSUPP',
};

interface Meaning {
  readonly meaning: string;
  readonly hint?: string;
}

const DOCTOR = 'run `krun doctor`';

const MEANINGS: Partial<Record<LibkrunFunction, Readonly<Record<string, Meaning>>>> = {
  krun_start_enter: {
    ENOENT: {
      meaning: 'libkrun did not find libkrunfw, the library with the guest kernel',
      hint: 'run `krun doctor --fix`, or set `libkrun.kernel_bundle` in krun.yaml',
    },
    EINVAL: { meaning: 'libkrun could not build the virtual machine', hint: DOCTOR },
    EACCES: { meaning: 'libkrun was refused access to a file or device', hint: DOCTOR },
    EMFILE: { meaning: 'the process has too many open files', hint: 'raise `ulimit -n`' },
  },
  krun_set_vm_config: { EINVAL: { meaning: 'libkrun accepts no machine without a CPU or memory' } },
  krun_set_root_disk_remount: {
    EINVAL: { meaning: 'libkrun needs a disk before the root file system on it' },
  },
  krun_add_disk2: { EINVAL: { meaning: 'this libkrun does not know the disk format' } },
  krun_add_disk3: { EINVAL: { meaning: 'this libkrun does not know the disk format or sync mode' } },
  krun_add_net_unixstream: {
    EINVAL: { meaning: 'this libkrun does not know a feature or flag of the interface' },
  },
  krun_add_net_unixgram: {
    EINVAL: { meaning: 'this libkrun does not know a feature or flag of the interface' },
  },
  krun_add_net_tap: {
    EINVAL: {
      meaning:
        'this libkrun does not know a feature or flag of the interface, or has no tap devices on this system',
    },
  },
  krun_add_vsock: {
    EEXIST: { meaning: 'the guest has the sockets of the host already; this is a defect of krun' },
    EINVAL: { meaning: 'libkrun cannot pass sockets of that kind on to this host' },
  },
  krun_set_port_map: {
    EINVAL: { meaning: 'two published ports are the same on the host or in the guest' },
    ENODEV: { meaning: 'ports cannot be published while the guest has no network' },
  },
  krun_set_rlimits: { EINVAL: { meaning: 'libkrun did not accept the resource limits' } },
  krun_add_console_port_inout: {
    EINVAL: { meaning: 'libkrun does not know the console device of the port' },
  },
};

const GENERAL: Readonly<Record<string, Meaning>> = {
  ENOENT: { meaning: 'libkrun does not know the context; this is a defect of krun' },
  EOPNOTSUPP: {
    meaning: 'this build of libkrun lacks the feature',
    hint: '`krun doctor` lists what the library can do',
  },
  ENOMEM: { meaning: 'there is not enough memory' },
};

/** Turns a negative result into words; `os` decides what the number means. */
export function krunError(call: LibkrunFunction, result: number, os: string): KrunError {
  const number = -result;
  const errno = COMMON[number] ?? (os === 'darwin' ? MACOS : LINUX)[number] ?? `errno ${number}`;
  const known = errno === 'ENOTSUP' ? 'EOPNOTSUPP' : errno;
  const entry = MEANINGS[call]?.[known] ?? GENERAL[known] ?? { meaning: 'libkrun refused the call' };
  return { call, errno, ...entry };
}

/** `libkrun could not build the virtual machine (krun_start_enter: EINVAL)`. */
export function krunErrorText(error: KrunError): string {
  return `${error.meaning} (${error.call}: ${error.errno})`;
}
