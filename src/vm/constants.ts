/** KRUN_LOG_LEVEL_* of libkrun.h. */
export const LOG_LEVELS = { off: 0, error: 1, warn: 2, info: 3, debug: 4, trace: 5 } as const;
/** KRUN_LOG_STYLE_*: whether the log has colours; `auto` where it goes to a terminal. */
export const LOG_STYLES = { auto: 0, always: 1, never: 2 } as const;
/** KRUN_LOG_OPTION_NO_ENV: `RUST_LOG` has no say. */
export const LOG_OPTION_NO_ENV = 1;

/** KRUN_DISK_FORMAT_*. */
export const DISK_FORMATS = { raw: 0, qcow2: 1, vmdk: 2 } as const;
/** KRUN_SYNC_*: what a flush of the guest does. */
export const DISK_SYNCS = { none: 0, relaxed: 1, full: 2 } as const;

/** KRUN_SEMANTICS_LINUX_*: who owns files of a share. */
export const FS_SEMANTICS = { complete: 0, simplified: 1 } as const;
/** The tag under which the guest's kernel looks for its root (KRUN_FS_ROOT_TAG). */
export const ROOT_TAG = '/dev/root';
/** Types of files as in stat(2), Linux's: the guest sees them. */
export const REGULAR_FILE = 0o100_000;
export const DIRECTORY = 0o040_000;
/** Device names end there in virtio-fs; a longer tag aborts the process. */
export const LONGEST_TAG_BYTES = 36;

/** With less the bundled kernel does not fit, and libkrun aborts. */
export const LEAST_BUNDLED_KERNEL_MIB = 64;

/** KRUN_KERNEL_FORMAT_*. */
export const KERNEL_FORMATS = {
  raw: 0,
  elf: 1,
  pe_gz: 2,
  image_bz2: 3,
  image_gz: 4,
  image_zstd: 5,
} as const;

/** NET_FEATURE_*: what the virtio interface offers to the guest and takes from its backend. */
export const NET_FEATURES = {
  csum: 1,
  guest_csum: 2,
  guest_tso4: 128,
  guest_tso6: 256,
  guest_ufo: 1024,
  host_tso4: 2048,
  host_tso6: 4096,
  host_ufo: 16384,
} as const;
/** COMPAT_NET_FEATURES: what krunkit offers a guest whose host is to compute checksums and cut segments. */
export const NET_COMPAT_FEATURES: readonly (keyof typeof NET_FEATURES)[] = [
  'csum',
  'guest_csum',
  'guest_tso4',
  'guest_ufo',
  'host_tso4',
  'host_ufo',
];
/** NET_FLAG_*. */
export const NET_FLAGS = { vfkit: 1, dhcp_client: 2 } as const;
/** KRUN_TSI_HIJACK_*: whose sockets of the guest become sockets of the host. */
export const TSI_HIJACK = { inet: 1, unix: 2 } as const;

/** Linux numbers of the limits that setrlimit(2) knows, as libkrun wants them on every host. */
export const RLIMITS = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const;
/** RLIM_INFINITY, as libkrun's init reads it. */
export const UNLIMITED = '18446744073709551615';

/** KRUN_MAX_DISPLAYS. */
export const MOST_DISPLAYS = 16;

/** VIRGLRENDERER_* of libkrun.h, by the names of krun.yaml. */
export const VIRGL_FLAGS = {
  egl: 1,
  thread_sync: 2,
  glx: 4,
  surfaceless: 8,
  gles: 16,
  external_blob: 32,
  venus: 64,
  no_virgl: 128,
  async_fence_cb: 256,
  render_server: 512,
  drm: 1024,
} as const;
