/** C types of libkrun's parameters, named by what may be passed; a MAC address is passed as its usual text. */
export type ParameterType =
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'int'
  | 'bool'
  | 'string'
  | 'string or null'
  | 'strings'
  | 'mac'
  /** Bytes, passed as a pointer. */
  | 'bytes'
  /** Bytes that libkrun goes on to read while the machine lives. */
  | 'kept bytes'
  /** Address of a C structure, such as a table of callbacks. */
  | 'pointer'
  /** Where libkrun writes a pointer or a size. */
  | 'out pointer'
  | 'out size';

/** What a build of libkrun may leave out: its functions are then missing from the library, or answer ENOTSUP. */
export type BuildFeature = 'BLK' | 'NET' | 'GPU' | 'SND' | 'INPUT' | 'INIT_BLOB' | 'TEE' | 'virtiofs';

export interface FunctionFacts {
  readonly parameters: readonly ParameterType[];
  /** The first release that has it, as `krun --version` of libkrun would say. */
  readonly since: string;
  readonly feature?: BuildFeature;
}

function fact(since: string, parameters: readonly ParameterType[], feature?: BuildFeature): FunctionFacts {
  return { since, parameters, ...(feature === undefined ? {} : { feature }) };
}

const NET_SOCKET = ['u32', 'string or null', 'int', 'mac', 'u32', 'u32'] as const;

/** Every function of libkrun 1.x up to the header of 1.19. */
export type LibkrunFunction =
  | 'krun_set_log_level'
  | 'krun_init_log'
  | 'krun_create_ctx'
  | 'krun_free_ctx'
  | 'krun_set_vm_config'
  | 'krun_get_max_vcpus'
  | 'krun_has_feature'
  | 'krun_check_nested_virt'
  | 'krun_set_nested_virt'
  | 'krun_split_irqchip'
  | 'krun_set_smbios_oem_strings'
  | 'krun_setuid'
  | 'krun_setgid'
  | 'krun_get_shutdown_eventfd'
  | 'krun_start_enter'
  | 'krun_set_root'
  | 'krun_set_root_disk_remount'
  | 'krun_set_root_disk'
  | 'krun_set_data_disk'
  | 'krun_add_disk'
  | 'krun_add_disk2'
  | 'krun_add_disk3'
  | 'krun_set_mapped_volumes'
  | 'krun_add_virtiofs'
  | 'krun_add_virtiofs2'
  | 'krun_add_virtiofs3'
  | 'krun_add_virtiofs4'
  | 'krun_disable_implicit_init'
  | 'krun_get_default_init'
  | 'krun_fs_add_overlay_file'
  | 'krun_fs_add_overlay_dir'
  | 'krun_add_net_unixstream'
  | 'krun_add_net_unixgram'
  | 'krun_add_net_tap'
  | 'krun_set_passt_fd'
  | 'krun_set_gvproxy_path'
  | 'krun_set_net_mac'
  | 'krun_set_port_map'
  | 'krun_disable_implicit_vsock'
  | 'krun_add_vsock'
  | 'krun_add_vsock_port'
  | 'krun_add_vsock_port2'
  | 'krun_set_console_output'
  | 'krun_disable_implicit_console'
  | 'krun_add_virtio_console_default'
  | 'krun_add_virtio_console_multiport'
  | 'krun_add_console_port_tty'
  | 'krun_add_console_port_inout'
  | 'krun_add_serial_console_default'
  | 'krun_set_kernel_console'
  | 'krun_set_exec'
  | 'krun_set_env'
  | 'krun_set_workdir'
  | 'krun_set_rlimits'
  | 'krun_set_kernel'
  | 'krun_set_firmware'
  | 'krun_set_tee_config_file'
  | 'krun_set_gpu_options'
  | 'krun_set_gpu_options2'
  | 'krun_add_display'
  | 'krun_display_set_edid'
  | 'krun_display_set_dpi'
  | 'krun_display_set_physical_size'
  | 'krun_display_set_refresh_rate'
  | 'krun_set_display_backend'
  | 'krun_add_input_device'
  | 'krun_add_input_device_fd'
  | 'krun_set_snd_device';

/**
 * What include/libkrun.h says of each function. All return int32_t, negative for an
 * error. A function that a library lacks is a capability that it does not have.
 */
export const LIBKRUN_FUNCTIONS: Readonly<Record<LibkrunFunction, FunctionFacts>> = {
  krun_set_log_level: fact('0.1.1', ['u32']),
  krun_init_log: fact('1.13.0', ['int', 'u32', 'u32', 'u32']),
  krun_create_ctx: fact('0.1.1', []),
  krun_free_ctx: fact('0.1.1', ['u32']),
  krun_set_vm_config: fact('0.1.1', ['u32', 'u8', 'u32']),
  krun_get_max_vcpus: fact('1.16.0', []),
  krun_has_feature: fact('1.17.3', ['u64']),
  krun_check_nested_virt: fact('1.12.0', []),
  krun_set_nested_virt: fact('1.11.0', ['u32', 'bool']),
  krun_split_irqchip: fact('1.12.0', ['u32', 'bool']),
  krun_set_smbios_oem_strings: fact('1.9.1', ['u32', 'strings']),
  krun_setuid: fact('1.11.0', ['u32', 'u32']),
  krun_setgid: fact('1.11.0', ['u32', 'u32']),
  krun_get_shutdown_eventfd: fact('1.8.0', ['u32']),
  krun_start_enter: fact('0.1.1', ['u32']),

  krun_set_root: fact('0.1.1', ['u32', 'string'], 'virtiofs'),
  krun_set_root_disk_remount: fact('1.15.0', ['u32', 'string', 'string or null', 'string or null'], 'BLK'),
  krun_set_root_disk: fact('0.1.8', ['u32', 'string'], 'BLK'),
  krun_set_data_disk: fact('1.5.0', ['u32', 'string'], 'BLK'),
  krun_add_disk: fact('1.9.5', ['u32', 'string', 'string', 'bool'], 'BLK'),
  krun_add_disk2: fact('1.10.0', ['u32', 'string', 'string', 'u32', 'bool'], 'BLK'),
  krun_add_disk3: fact('1.17.0', ['u32', 'string', 'string', 'u32', 'bool', 'bool', 'u32'], 'BLK'),
  krun_set_mapped_volumes: fact('0.1.3', ['u32', 'strings'], 'virtiofs'),
  krun_add_virtiofs: fact('1.8.0', ['u32', 'string', 'string'], 'virtiofs'),
  krun_add_virtiofs2: fact('1.9.5', ['u32', 'string', 'string', 'u64'], 'virtiofs'),
  krun_add_virtiofs3: fact('1.18.0', ['u32', 'string', 'string or null', 'u64', 'bool'], 'virtiofs'),
  krun_add_virtiofs4: fact('1.19.3', ['u32', 'string', 'string or null', 'u64', 'bool', 'u32'], 'virtiofs'),
  krun_disable_implicit_init: fact('1.19.0', ['u32'], 'virtiofs'),
  krun_get_default_init: fact('1.19.0', ['out pointer', 'out size'], 'INIT_BLOB'),
  krun_fs_add_overlay_file: fact(
    '1.19.0',
    ['u32', 'string', 'string', 'kept bytes', 'u64', 'u32', 'bool'],
    'virtiofs',
  ),
  krun_fs_add_overlay_dir: fact('1.19.0', ['u32', 'string', 'string', 'u32'], 'virtiofs'),

  krun_add_net_unixstream: fact('1.15.0', NET_SOCKET, 'NET'),
  krun_add_net_unixgram: fact('1.15.0', NET_SOCKET, 'NET'),
  krun_add_net_tap: fact('1.15.0', ['u32', 'string', 'mac', 'u32', 'u32'], 'NET'),
  krun_set_passt_fd: fact('1.7.0', ['u32', 'int'], 'NET'),
  krun_set_gvproxy_path: fact('1.8.0', ['u32', 'string'], 'NET'),
  krun_set_net_mac: fact('1.8.0', ['u32', 'mac'], 'NET'),
  krun_set_port_map: fact('0.1.3', ['u32', 'strings']),
  krun_disable_implicit_vsock: fact('1.17.0', ['u32']),
  krun_add_vsock: fact('1.17.0', ['u32', 'u32']),
  krun_add_vsock_port: fact('1.8.0', ['u32', 'u32', 'string']),
  krun_add_vsock_port2: fact('1.10.0', ['u32', 'u32', 'string', 'bool']),

  krun_set_console_output: fact('1.8.0', ['u32', 'string']),
  krun_disable_implicit_console: fact('1.16.0', ['u32']),
  krun_add_virtio_console_default: fact('1.16.0', ['u32', 'int', 'int', 'int']),
  krun_add_virtio_console_multiport: fact('1.17.0', ['u32']),
  krun_add_console_port_tty: fact('1.17.0', ['u32', 'u32', 'string or null', 'int']),
  krun_add_console_port_inout: fact('1.17.0', ['u32', 'u32', 'string or null', 'int', 'int']),
  krun_add_serial_console_default: fact('1.16.0', ['u32', 'int', 'int']),
  krun_set_kernel_console: fact('1.16.0', ['u32', 'string']),

  krun_set_exec: fact('0.1.1', ['u32', 'string', 'strings', 'strings']),
  krun_set_env: fact('1.3.0', ['u32', 'strings']),
  krun_set_workdir: fact('0.1.3', ['u32', 'string']),
  krun_set_rlimits: fact('0.1.5', ['u32', 'strings']),
  krun_set_kernel: fact('1.11.0', ['u32', 'string', 'u32', 'string or null', 'string or null']),
  krun_set_firmware: fact('1.16.0', ['u32', 'string']),
  krun_set_tee_config_file: fact('1.4.1', ['u32', 'string'], 'TEE'),

  krun_set_gpu_options: fact('1.8.0', ['u32', 'u32'], 'GPU'),
  krun_set_gpu_options2: fact('1.9.5', ['u32', 'u32', 'u64'], 'GPU'),
  krun_add_display: fact('1.15.0', ['u32', 'u32', 'u32'], 'GPU'),
  krun_display_set_edid: fact('1.15.0', ['u32', 'u32', 'bytes', 'u64'], 'GPU'),
  krun_display_set_dpi: fact('1.15.0', ['u32', 'u32', 'u32'], 'GPU'),
  krun_display_set_physical_size: fact('1.15.0', ['u32', 'u32', 'u16', 'u16'], 'GPU'),
  krun_display_set_refresh_rate: fact('1.15.0', ['u32', 'u32', 'u32'], 'GPU'),
  krun_set_display_backend: fact('1.15.0', ['u32', 'pointer', 'u64'], 'GPU'),
  krun_add_input_device: fact('1.16.0', ['u32', 'pointer', 'u64', 'pointer', 'u64'], 'INPUT'),
  krun_add_input_device_fd: fact('1.16.0', ['u32', 'int'], 'INPUT'),
  krun_set_snd_device: fact('1.9.0', ['u32', 'bool'], 'SND'),
};

/** What shows the age of a library that does not tell it: a function that the release brought. */
const MARKS = { '1.18': 'krun_add_virtiofs3', '1.19': 'krun_fs_add_overlay_dir' } as const;

/**
 * Whether a library has what a release mended or brought without a function of its own. Confidential variants lack the
 * marks, and count as older.
 */
export function isAtLeast(
  release: keyof typeof MARKS,
  library: { has(name: LibkrunFunction): boolean },
): boolean {
  return library.has(MARKS[release]);
}

export type LibkrunFeature =
  | 'NET'
  | 'BLK'
  | 'GPU'
  | 'SND'
  | 'INPUT'
  | 'EFI'
  | 'TEE'
  | 'AMD_SEV'
  | 'INTEL_TDX'
  | 'AWS_NITRO'
  | 'VIRGL_RESOURCE_MAP2'
  | 'INIT_BLOB';

/** What `krun_has_feature` is asked, libkrun >= 1.17.3; names and numbers as in libkrun.h. */
export const LIBKRUN_FEATURES: Readonly<Record<LibkrunFeature, number>> = {
  NET: 0,
  BLK: 1,
  GPU: 2,
  SND: 3,
  INPUT: 4,
  EFI: 5,
  TEE: 6,
  AMD_SEV: 7,
  INTEL_TDX: 8,
  AWS_NITRO: 9,
  VIRGL_RESOURCE_MAP2: 10,
  INIT_BLOB: 11,
};
