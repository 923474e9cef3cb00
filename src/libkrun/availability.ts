import {
  LIBKRUN_FUNCTIONS,
  type BuildFeature,
  type LibkrunFeature,
  type LibkrunFunction,
} from '../vm/functions.ts';
import type { LibraryVariant } from './packages.ts';

/** Where a function exists, and what of this module calls it. */
export interface FunctionAvailability {
  /** The first release that has it. */
  readonly since: string;
  /** The part that a build may leave out. */
  readonly feature?: BuildFeature;
  readonly variants: readonly LibraryVariant[];
  /** What has the method: the loaded library, or a context of it. */
  readonly of: 'library' | 'context';
  readonly method: string;
  /** Deprecated by libkrun: what to use instead. */
  readonly instead?: string;
  /** Where it works, if not everywhere; elsewhere libkrun refuses the call. */
  readonly systems?: string;
}

export const VARIANTS: readonly LibraryVariant[] = ['generic', 'sev', 'tdx', 'efi'];
const TEE: readonly LibraryVariant[] = ['sev', 'tdx'];
const OPEN: readonly LibraryVariant[] = ['generic', 'efi'];

/** A guest of a confidential machine sees no file system of the host, and boots what libkrun measures. */
const NOT_FOR_TEE: ReadonlySet<LibkrunFunction> = new Set([
  'krun_set_root_disk_remount',
  'krun_set_kernel',
  'krun_set_firmware',
]);

function variantsOf(name: LibkrunFunction): readonly LibraryVariant[] {
  const { feature } = LIBKRUN_FUNCTIONS[name];
  if (feature === 'TEE') return TEE;
  return feature === 'virtiofs' || feature === 'INIT_BLOB' || NOT_FOR_TEE.has(name) ? OPEN : VARIANTS;
}

const OF_LIBRARY: ReadonlySet<LibkrunFunction> = new Set([
  'krun_set_log_level',
  'krun_init_log',
  'krun_create_ctx',
  'krun_get_max_vcpus',
  'krun_has_feature',
  'krun_check_nested_virt',
  'krun_get_default_init',
]);

/** Methods that are not called after their function. */
const NAMES: Partial<Record<LibkrunFunction, string>> = {
  krun_create_ctx: 'createContext',
  krun_free_ctx: 'free',
  krun_setuid: 'setUid',
  krun_setgid: 'setGid',
  krun_get_max_vcpus: 'maxVcpus',
};

const INSTEAD: Partial<Record<LibkrunFunction, string>> = {
  krun_set_root_disk: 'krun_add_disk3',
  krun_set_data_disk: 'krun_add_disk3',
  krun_set_mapped_volumes: 'krun_add_virtiofs3',
  krun_set_passt_fd: 'krun_add_net_unixstream',
  krun_set_gvproxy_path: 'krun_add_net_unixgram',
  krun_set_net_mac: 'krun_add_net_unixstream or krun_add_net_unixgram',
};

const SYSTEMS: Partial<Record<LibkrunFunction, string>> = {
  krun_get_shutdown_eventfd: 'macOS on Apple silicon',
  krun_add_net_tap: 'Linux',
  krun_split_irqchip: 'Linux on x86_64',
};

function availabilityOf(name: LibkrunFunction): FunctionAvailability {
  const { since, feature } = LIBKRUN_FUNCTIONS[name];
  const [instead, systems] = [INSTEAD[name], SYSTEMS[name]];
  return {
    since,
    ...(feature === undefined ? {} : { feature }),
    variants: variantsOf(name),
    of: OF_LIBRARY.has(name) ? 'library' : 'context',
    method:
      NAMES[name] ??
      name.slice('krun_'.length).replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    ...(instead === undefined ? {} : { instead }),
    ...(systems === undefined ? {} : { systems }),
  };
}

/** All functions of libkrun 1.x, in the order of its header. */
export const FUNCTION_NAMES: readonly LibkrunFunction[] = Object.keys(LIBKRUN_FUNCTIONS) as LibkrunFunction[];

/** Where each function exists: what the checks before a call and docs/libkrun-functions.md go by. */
export const availability: Readonly<Record<LibkrunFunction, FunctionAvailability>> = Object.fromEntries(
  FUNCTION_NAMES.map((name) => [name, availabilityOf(name)]),
) as Record<LibkrunFunction, FunctionAvailability>;

/** What a variant is usually built with. */
export const USUAL_FEATURES: Readonly<Record<LibraryVariant, readonly LibkrunFeature[]>> = {
  generic: ['NET', 'BLK', 'GPU', 'SND', 'INPUT', 'INIT_BLOB'],
  sev: ['BLK', 'TEE', 'AMD_SEV'],
  tdx: ['BLK', 'TEE', 'INTEL_TDX'],
  efi: ['NET', 'BLK', 'EFI', 'INIT_BLOB'],
};

/** Parts whose functions exist in every build, and do nothing in one that lacks the part. */
export const SILENT_FEATURES: readonly BuildFeature[] = ['GPU', 'SND', 'INPUT', 'INIT_BLOB'];
