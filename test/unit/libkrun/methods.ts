import { availability } from '../../../src/libkrun/availability.ts';
import type { Context } from '../../../src/libkrun/context.ts';
import type { LoadedLibkrun } from '../../../src/libkrun/loaded.ts';
import { LibkrunError } from '../../../src/libkrun/errors.ts';
import { stubLibkrun } from '../../../src/libkrun/stub.ts';
import type { Argument } from '../../../src/vm/calls.ts';
import type { LibkrunFunction } from '../../../src/vm/functions.ts';

/** Called with good options, and, by the sweeps, with each of them replaced by a bad value. */
export interface MethodCase {
  readonly name: LibkrunFunction;
  /** What must come before it. */
  readonly before?: (context: Context) => void;
  readonly good: Readonly<Record<string, unknown>>;
  /** Options that may be absent. */
  readonly optional?: readonly string[];
}

/** Real files that options name. */
export interface CaseFiles {
  /** Open, no terminal. */
  readonly fds: readonly [number, number];
  /** Of a terminal; undefined where there is none to be had. */
  readonly tty?: number;
  /** Not empty. */
  readonly file: string;
}

const MAC = '52:54:00:12:34:56';
const TABLE = new Uint8Array(64);
/** The shortest that a display may have. */
export const EDID: Uint8Array = Uint8Array.from({ length: 128 }, (_, index) =>
  index > 0 && index < 7 ? 255 : 0,
);

/** Every method with options that libkrun accepts, given a library that has it. */
export function methodCases({ fds, tty, file }: CaseFiles): readonly MethodCase[] {
  const [one, two] = fds;
  const console = (context: Context): unknown => context.addVirtioConsoleMultiport();
  const display = (context: Context): unknown => context.addDisplay({ width: 800, height: 600 });
  const root = (context: Context): void => context.addVirtiofs({ tag: 'data', path: '/srv' });
  const disk = { id: 'data', path: '/srv/data.raw' };
  return [
    { name: 'krun_set_log_level', good: { level: 'error' } },
    {
      name: 'krun_init_log',
      good: { target: one, level: 'warn', style: 'never', ignoreEnvironment: true },
      optional: ['target', 'style', 'ignoreEnvironment'],
    },
    { name: 'krun_create_ctx', good: {} },
    { name: 'krun_get_max_vcpus', good: {} },
    { name: 'krun_has_feature', good: { feature: 'BLK' } },
    { name: 'krun_check_nested_virt', good: {} },
    { name: 'krun_get_default_init', good: {} },

    { name: 'krun_set_vm_config', good: { vcpus: 2, memoryMiB: 512 } },
    { name: 'krun_set_nested_virt', good: { enabled: true } },
    { name: 'krun_split_irqchip', good: { enabled: false } },
    { name: 'krun_set_smbios_oem_strings', good: { strings: ['io.krun:1', 'grüße'] } },
    { name: 'krun_setuid', good: { uid: 1000 } },
    { name: 'krun_setgid', good: { gid: 1000 } },
    { name: 'krun_get_shutdown_eventfd', good: {} },
    { name: 'krun_start_enter', good: {} },
    { name: 'krun_free_ctx', good: {} },

    { name: 'krun_set_root', good: { path: '/srv/röot' } },
    {
      name: 'krun_set_root_disk_remount',
      before: (context) => context.addDisk({ id: 'root', path: '/srv/root.raw' }),
      good: { device: '/dev/vda1', fstype: 'ext4', options: 'noatime' },
      optional: ['fstype', 'options'],
    },
    { name: 'krun_set_root_disk', good: { path: '/srv/root.raw' } },
    { name: 'krun_set_data_disk', good: { path: '/srv/data.raw' } },
    { name: 'krun_add_disk', good: { ...disk, readOnly: true }, optional: ['readOnly'] },
    { name: 'krun_add_disk2', good: { ...disk, format: 'qcow2', readOnly: true }, optional: ['readOnly'] },
    {
      name: 'krun_add_disk3',
      good: { ...disk, format: 'vmdk', readOnly: true, directIo: true, sync: 'relaxed' },
      optional: ['readOnly', 'directIo'],
    },
    { name: 'krun_set_mapped_volumes', good: { volumes: ['/a:/b'] } },
    { name: 'krun_add_virtiofs', good: { tag: 'data', path: '/srv' } },
    { name: 'krun_add_virtiofs2', good: { tag: 'data', path: '/srv', daxBytes: 2 ** 33 } },
    {
      name: 'krun_add_virtiofs3',
      good: { tag: 'data', path: '/srv', daxBytes: 2 ** 20, readOnly: true },
      optional: ['path', 'daxBytes', 'readOnly'],
    },
    {
      name: 'krun_add_virtiofs4',
      good: { tag: 'data', path: '/srv', daxBytes: 0, readOnly: false, semantics: 'simplified' },
      optional: ['path', 'daxBytes', 'readOnly'],
    },
    { name: 'krun_disable_implicit_init', good: {} },
    {
      name: 'krun_fs_add_overlay_file',
      before: root,
      good: {
        tag: 'data',
        path: 'greeting',
        mode: 0o644,
        data: new TextEncoder().encode('hello'),
        oneShot: true,
      },
      optional: ['oneShot'],
    },
    { name: 'krun_fs_add_overlay_dir', before: root, good: { tag: 'data', path: 'empty', mode: 0o755 } },

    {
      name: 'krun_add_net_unixstream',
      good: { path: '/run/passt.sock', mac: MAC, features: ['csum', 'guest_csum'], flags: [] },
      optional: ['features', 'flags'],
    },
    {
      name: 'krun_add_net_unixgram',
      good: { fd: one, mac: MAC, features: ['host_tso4'], flags: ['vfkit'] },
      optional: ['features', 'flags'],
    },
    {
      name: 'krun_add_net_tap',
      good: { device: 'krun0', mac: MAC, features: [], flags: [] },
      optional: ['features', 'flags'],
    },
    { name: 'krun_set_passt_fd', good: { fd: one } },
    { name: 'krun_set_gvproxy_path', good: { path: '/run/gvproxy.sock' } },
    { name: 'krun_set_net_mac', good: { mac: MAC.toUpperCase() } },
    {
      name: 'krun_set_port_map',
      good: {
        ports: [
          { host: 8080, guest: 80 },
          { host: 8443, guest: 443 },
        ],
      },
    },
    { name: 'krun_disable_implicit_vsock', good: {} },
    {
      name: 'krun_add_vsock',
      before: (context) => context.disableImplicitVsock(),
      good: { hijack: ['inet'] },
    },
    { name: 'krun_add_vsock_port', good: { port: 1234, path: '/run/krun-none/vsock.sock' } },
    { name: 'krun_add_vsock_port2', good: { port: 1234, path: '/run/krun-none/vsock.sock', listen: true } },

    { name: 'krun_set_console_output', good: { path: '/srv/console.log' } },
    { name: 'krun_disable_implicit_console', good: {} },
    {
      name: 'krun_add_virtio_console_default',
      good: { input: one, output: two, error: two },
      optional: ['input', 'output', 'error'],
    },
    { name: 'krun_add_virtio_console_multiport', good: {} },
    ...(tty === undefined
      ? []
      : [
          {
            name: 'krun_add_console_port_tty' as const,
            before: console,
            good: { console: 0, name: 'terminal', fd: tty },
            optional: ['name'],
          },
        ]),
    {
      name: 'krun_add_console_port_inout',
      before: console,
      good: { console: 0, name: 'agent', input: one, output: two },
      optional: ['name', 'input', 'output'],
    },
    {
      name: 'krun_add_serial_console_default',
      good: { input: one, output: two },
      optional: ['input', 'output'],
    },
    { name: 'krun_set_kernel_console', good: { device: 'ttyS0' } },

    {
      name: 'krun_set_exec',
      good: { path: '/bin/echo', args: ['hello world', ''], env: { PATH: '/bin', EMPTY: '' } },
      optional: ['args', 'env'],
    },
    { name: 'krun_set_env', good: { env: { PATH: '/bin' } } },
    { name: 'krun_set_workdir', good: { path: '/srv' } },
    { name: 'krun_set_rlimits', good: { limits: [{ name: 'nofile', soft: 1024, hard: 'unlimited' }] } },
    {
      name: 'krun_set_kernel',
      good: { path: '/boot/vmlinux', format: 'elf', initramfs: file, cmdline: 'console=ttyS0 reboot=k' },
      optional: ['initramfs', 'cmdline'],
    },
    { name: 'krun_set_firmware', good: { path: '/usr/share/KRUN_EFI.fd' } },
    { name: 'krun_set_tee_config_file', good: { path: '/srv/tee.json' } },

    { name: 'krun_set_gpu_options', good: { virgl: ['venus', 'no_virgl'] }, optional: ['virgl'] },
    { name: 'krun_set_gpu_options2', good: { virgl: ['venus'], shmBytes: 2 ** 32 }, optional: ['virgl'] },
    { name: 'krun_add_display', good: { width: 1920, height: 1080 } },
    { name: 'krun_display_set_edid', before: display, good: { display: 0, edid: EDID } },
    { name: 'krun_display_set_dpi', before: display, good: { display: 0, dpi: 96 } },
    {
      name: 'krun_display_set_physical_size',
      before: display,
      good: { display: 0, widthMm: 600, heightMm: 340 },
    },
    { name: 'krun_display_set_refresh_rate', before: display, good: { display: 0, refreshRateHz: 60 } },
    { name: 'krun_set_display_backend', good: { backend: TABLE } },
    { name: 'krun_add_input_device', good: { config: TABLE, events: TABLE } },
    { name: 'krun_add_input_device_fd', good: { fd: one } },
    { name: 'krun_set_snd_device', good: { enabled: true } },
  ];
}

type Method = (options: unknown) => unknown;

/** Calls the method of a function with whatever it is given. */
export function callMethod(
  on: { readonly library: LoadedLibkrun; readonly context: Context },
  of: 'library' | 'context',
  method: string,
  options: unknown,
): unknown {
  const receiver = on[of] as unknown as Readonly<Record<string, Method>>;
  const fn = receiver[method];
  if (!fn) throw new Error(`${of} has no method ${method}`);
  return fn.call(receiver, options);
}

/** The message with its class of what an action throws. */
export function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return String(error);
  }
  return 'nothing was thrown';
}

/** The arguments of a function's call with good options. */
export function goodArguments(name: LibkrunFunction, files: CaseFiles): readonly Argument[] {
  const method = methodCases(files).find((entry) => entry.name === name)!;
  const { of, method: methodName, variants } = availability[name];
  const library = stubLibkrun({ variant: variants.includes('generic') ? 'generic' : 'sev' });
  const context = library.createContext();
  method.before?.(context);
  try {
    const result = callMethod({ library, context }, of, methodName, method.good);
    // A stub does not start.
    if (result instanceof Promise) result.catch(() => undefined);
  } catch (error) {
    if (!(error instanceof LibkrunError)) throw error;
  }
  return library.calls.at(-1)!.args as readonly Argument[];
}
