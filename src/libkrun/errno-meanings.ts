import type { LibkrunFunction } from '../vm/functions.ts';

/** What an error number means in a call, and what to do about it. */
export interface Meaning {
  readonly meaning: string;
  readonly hint: string;
}

type Meanings = Readonly<Record<string, Meaning>>;

const DOCTOR = 'run `krun doctor`';
const LOG = 'initialise the log of libkrun at level error: it says there which value, and why';
const NEWER = 'use a newer libkrun, or leave the value out; `krun doctor` shows which one is used';

const USED_UP: Meaning = {
  meaning: 'the display has an EDID, which says all of it',
  hint: 'set size, refresh rate and resolution before the EDID, or put them into it',
};
const NO_DISPLAY: Meaning = {
  meaning: 'libkrun does not know the display',
  hint: 'pass what addDisplay returned for the same context',
};
const NOT_A_CONSOLE: Meaning = {
  meaning: 'libkrun does not know the console device of the port',
  hint: 'pass what addVirtioConsoleMultiport returned for the same context',
};
const NET_SOCKET: Meanings = {
  EINVAL: { meaning: 'this libkrun does not know a feature or flag of the interface', hint: NEWER },
};
const LEGACY_NET: Meanings = {
  EINVAL: {
    meaning: 'the machine has an interface of the newer calls, which exclude this one',
    hint: 'use krun_add_net_unixstream or krun_add_net_unixgram for all interfaces',
  },
};
const NO_VSOCK: Meaning = {
  meaning: 'the guest has no vsock device',
  hint: 'add one with krun_add_vsock after krun_disable_implicit_vsock',
};
const VSOCK_PORT: Meanings = {
  EEXIST: {
    meaning: 'something lies already where libkrun is to make the socket',
    hint: 'remove it if no machine uses it: libkrun leaves its sockets behind',
  },
  ENODEV: NO_VSOCK,
  EINVAL: {
    meaning: 'libkrun cannot look at the path of the socket',
    hint: 'check the rights of its directory',
  },
};
const LEGACY_DISK: Meanings = {
  EINVAL: { meaning: 'libkrun did not accept the path of the disk', hint: LOG },
};
const LOG_SETTINGS: Meanings = {
  EINVAL: {
    meaning: 'libkrun does not know a setting of the log',
    hint: 'the target is -1 or an open file other than standard input; style and options are those of libkrun.h',
  },
};
const OVERLAY: Meanings = {
  EINVAL: {
    meaning: 'the path of the overlay ends in a slash or is empty',
    hint: 'name a file or directory in it',
  },
  ENOENT: {
    meaning: 'libkrun does not know the share, or a directory above the overlay',
    hint: 'add the share first, then each directory from the top with krun_fs_add_overlay_dir',
  },
  ENOTDIR: {
    meaning: 'what is above the overlay is an overlay file',
    hint: 'put it below a directory that was added with krun_fs_add_overlay_dir',
  },
};

/** By call and errno, where it says more than the number does in general. */
export const MEANINGS: Partial<Record<LibkrunFunction, Meanings>> = {
  krun_init_log: LOG_SETTINGS,
  krun_set_log_level: LOG_SETTINGS,
  krun_start_enter: {
    ENOENT: {
      meaning: 'libkrun did not find libkrunfw, the library with the guest kernel',
      hint: 'run `krun doctor --fix`, or name one: `libkrun.kernel_bundle` in krun.yaml, or KRUN_LIBKRUNFW',
    },
    EINVAL: { meaning: 'libkrun could not build the virtual machine', hint: DOCTOR },
    EPERM: {
      meaning: 'the process may not become the user or group of krun_setuid and krun_setgid',
      hint: 'run it as root, or leave them out',
    },
    EACCES: { meaning: 'libkrun was refused access to a file or device', hint: DOCTOR },
    EMFILE: { meaning: 'the process has too many open files', hint: 'raise `ulimit -n`' },
  },
  krun_set_vm_config: {
    EINVAL: {
      meaning: 'libkrun accepts no machine without a CPU or memory',
      hint: 'give it at least one CPU and 128 MiB',
    },
  },
  krun_get_max_vcpus: {
    EINVAL: {
      meaning: 'libkrun cannot ask the hypervisor',
      hint: 'on Linux your user must be able to open /dev/kvm; `krun doctor` checks it',
    },
  },
  krun_has_feature: {
    EINVAL: { meaning: 'this libkrun does not know the feature', hint: 'take it for absent' },
  },
  krun_check_nested_virt: {
    EINVAL: { meaning: 'the hypervisor does not say', hint: 'take it for impossible' },
    EOPNOTSUPP: { meaning: 'this libkrun cannot find out on Linux', hint: 'use libkrun 1.18 or newer' },
  },
  krun_set_nested_virt: {
    EINVAL: {
      meaning: 'this libkrun runs no machines in machines on this system',
      hint: 'use libkrun 1.18 or newer on Linux',
    },
  },
  krun_split_irqchip: {
    EINVAL: {
      meaning: 'the interrupt controller can be split on x86_64 Linux only',
      hint: 'leave it as it is: on other processors it changes nothing',
    },
  },
  krun_get_shutdown_eventfd: {
    EINVAL: {
      meaning: 'libkrun has no way to ask the guest to shut down on this system',
      hint: 'it has one on macOS with Apple silicon; ask a program in the guest otherwise',
    },
  },
  krun_set_root_disk_remount: {
    EINVAL: {
      meaning: 'libkrun needs a disk before the root file system on it',
      hint: 'add the disk first, and set no other root',
    },
  },
  krun_set_root_disk: LEGACY_DISK,
  krun_set_data_disk: LEGACY_DISK,
  krun_add_disk: LEGACY_DISK,
  krun_add_disk2: { EINVAL: { meaning: 'this libkrun does not know the disk format', hint: NEWER } },
  krun_add_disk3: {
    EINVAL: { meaning: 'this libkrun does not know the disk format or sync mode', hint: NEWER },
  },
  krun_set_mapped_volumes: {
    EINVAL: {
      meaning: 'libkrun maps no volumes any more',
      hint: 'share each directory with krun_add_virtiofs and mount it in the guest',
    },
  },
  krun_add_virtiofs4: {
    EINVAL: { meaning: 'this libkrun does not know the semantics of the share', hint: NEWER },
  },
  krun_get_default_init: {
    EOPNOTSUPP: {
      meaning: 'this libkrun was built without an init',
      hint: 'put an init of your own into the root, or use a libkrun built with INIT_BLOB=1',
    },
  },
  krun_fs_add_overlay_file: OVERLAY,
  krun_fs_add_overlay_dir: OVERLAY,
  krun_add_net_unixstream: NET_SOCKET,
  krun_add_net_unixgram: NET_SOCKET,
  krun_add_net_tap: {
    EINVAL: {
      meaning:
        'this libkrun does not know a feature or flag of the interface, or has no tap devices on this system',
      hint: 'TSO and UFO of the guest need its checksums too; tap devices need Linux',
    },
  },
  krun_set_passt_fd: LEGACY_NET,
  krun_set_gvproxy_path: LEGACY_NET,
  krun_set_port_map: {
    EINVAL: {
      meaning: 'two published ports are the same on the host or in the guest',
      hint: 'publish each port once; with a network interface, its backend publishes ports',
    },
    ENODEV: {
      meaning: 'ports cannot be published while the guest has no network',
      hint: NO_VSOCK.hint,
    },
  },
  krun_add_vsock: {
    EEXIST: {
      meaning: 'the guest has a vsock device already',
      hint: 'call krun_disable_implicit_vsock first, and krun_add_vsock once',
    },
    EINVAL: {
      meaning: 'libkrun cannot pass sockets of that kind on to this host',
      hint: 'unix sockets are passed on by Linux only',
    },
  },
  krun_add_vsock_port: VSOCK_PORT,
  krun_add_vsock_port2: VSOCK_PORT,
  krun_set_console_output: {
    EINVAL: {
      meaning: 'the output of the console goes to a file already',
      hint: 'set it once for a context',
    },
  },
  krun_add_console_port_tty: {
    EINVAL: NOT_A_CONSOLE,
    ENOTTY: { meaning: 'the file is no terminal', hint: 'use krun_add_console_port_inout for other files' },
  },
  krun_add_console_port_inout: { EINVAL: NOT_A_CONSOLE },
  krun_set_rlimits: {
    EINVAL: { meaning: 'libkrun did not accept the resource limits', hint: 'name them as setrlimit(2) does' },
  },
  krun_set_kernel: {
    EINVAL: {
      meaning: 'libkrun cannot read the kernel or its initramfs, or does not know the format',
      hint: 'check both paths; a bzImage that is packed with xz must be unpacked to an ELF file first',
    },
  },
  krun_add_display: {
    ENOMEM: { meaning: 'a machine has at most 16 displays', hint: 'remove one' },
  },
  krun_display_set_edid: { EINVAL: NO_DISPLAY },
  krun_display_set_dpi: { EINVAL: { ...NO_DISPLAY, meaning: `${NO_DISPLAY.meaning}, or it has an EDID` } },
  krun_display_set_physical_size: { EINVAL: NO_DISPLAY, EALREADY: USED_UP },
  krun_display_set_refresh_rate: { EINVAL: NO_DISPLAY, EALREADY: USED_UP },
  krun_set_display_backend: {
    EINVAL: {
      meaning: 'the structure of the display backend is too short or its methods do not fit its features',
      hint: 'fill it as libkrun_display.h of this libkrun says',
    },
  },
  krun_add_input_device: {
    EINVAL: {
      meaning: 'a structure of the input backend is too short or its methods do not fit its features',
      hint: 'fill both as libkrun_input.h of this libkrun says',
    },
  },
};

/** By errno, for all other calls. */
export const GENERAL: Meanings = {
  ENOENT: {
    meaning: 'libkrun does not know the context',
    hint: 'use a context that was created in this process, and neither started nor freed since',
  },
  EINVAL: { meaning: 'libkrun did not accept a value', hint: LOG },
  EOPNOTSUPP: {
    meaning: 'this build of libkrun lacks the feature',
    hint: '`krun doctor` lists what the library can do',
  },
  ENOMEM: { meaning: 'there is not enough memory', hint: 'end other programs, or give the machine less' },
};

/** For numbers that no one foresaw. */
export const UNKNOWN: Meaning = { meaning: 'libkrun refused the call', hint: LOG };
