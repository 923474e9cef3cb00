import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stubLibkrun, type StubOptions } from '../../../src/libkrun/stub.ts';
import { availability, FUNCTION_NAMES } from '../../../src/libkrun/availability.ts';
import {
  KrunError,
  LibkrunNotAvailable,
  NotSupportedByVariant,
  NotSupportedByVersion,
  OncePerProcess,
} from '../../../src/libkrun/errors.ts';
import { formatCall, type CallArgument } from '../../../src/vm/calls.ts';
import { LIBKRUN_FUNCTIONS, type ParameterType } from '../../../src/vm/functions.ts';
import { EDID, callMethod, messageOf, methodCases, type CaseFiles } from './methods.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'krun-stub-'));
let files: CaseFiles;

beforeAll(() => {
  const file = path.join(directory, 'file');
  writeFileSync(file, 'x');
  files = { file, fds: [openSync(file, 'r+'), openSync(file, 'r+')] };
});
afterAll(() => {
  for (const fd of files.fds) closeSync(fd);
  rmSync(directory, { recursive: true });
});

/** The call that a method makes, without what is particular to the test's files. */
function compiled(options: StubOptions, name: string): string {
  const testCase = methodCases(files).find((entry) => entry.name === name)!;
  const { of, method } = availability[testCase.name];
  const library = stubLibkrun(options);
  const context = library.createContext();
  testCase.before?.(context);
  try {
    callMethod({ library, context }, of, method, testCase.good);
  } catch (error) {
    if (!(error instanceof KrunError)) throw error;
  }
  const { name: call, args, ...result } = library.calls.at(-1)!;
  const { parameters } = LIBKRUN_FUNCTIONS[call];
  const named = args.map((argument, index) => nameFile(argument, parameters[index]));
  return formatCall({ name: call, args: named, ...result });
}

function nameFile(argument: CallArgument, type: ParameterType | undefined): CallArgument {
  if (argument === files.file) return 'FILE';
  // Other numbers may happen to be the number of an open file.
  if (type !== 'int') return argument;
  const index = files.fds.findIndex((fd) => fd === argument);
  return index === -1 ? argument : { descriptor: `open file ${index}` };
}

describe('a method', () => {
  it('exists for every function of libkrun', () => {
    const library = stubLibkrun();
    const context = library.createContext();
    for (const name of FUNCTION_NAMES) {
      const { of, method } = availability[name];
      expect({ library, context }[of], `${of}.${method}`).toHaveProperty(method);
    }
  });

  it('is in the table of cases for every function but those that need a terminal', () => {
    const cases = methodCases({ ...files, tty: 3 }).map(({ name }) => name);
    expect(cases.toSorted()).toEqual(FUNCTION_NAMES.toSorted());
  });

  it('makes the call that its options say', () => {
    const tee = new Set(['krun_set_tee_config_file']);
    const calls = methodCases(files)
      .filter(({ name }) => name !== 'krun_start_enter')
      .map(({ name }) => compiled({ variant: tee.has(name) ? 'sev' : 'generic' }, name));
    expect(calls.join('\n')).toMatchInlineSnapshot(`
      "krun_set_log_level(1)
      krun_init_log(<open file 0>, 2, 2, 1)
      ctx1 = krun_create_ctx()
      krun_get_max_vcpus()
      krun_has_feature(1)
      krun_check_nested_virt()
      krun_get_default_init()
      krun_set_vm_config(0, 2, 512)
      krun_set_nested_virt(0, true)
      krun_split_irqchip(0, false)
      krun_set_smbios_oem_strings(0, ["io.krun:1","grüße"])
      krun_setuid(0, 1000)
      krun_setgid(0, 1000)
      krun_get_shutdown_eventfd(0)
      krun_free_ctx(0)
      krun_set_root(0, "/srv/röot")
      krun_set_root_disk_remount(0, "/dev/vda1", "ext4", "noatime")
      krun_set_root_disk(0, "/srv/root.raw")
      krun_set_data_disk(0, "/srv/data.raw")
      krun_add_disk(0, "data", "/srv/data.raw", true)
      krun_add_disk2(0, "data", "/srv/data.raw", 1, true)
      krun_add_disk3(0, "data", "/srv/data.raw", 2, true, true, 1)
      krun_set_mapped_volumes(0, ["/a:/b"])
      krun_add_virtiofs(0, "data", "/srv")
      krun_add_virtiofs2(0, "data", "/srv", 8589934592)
      krun_add_virtiofs3(0, "data", "/srv", 1048576, true)
      krun_add_virtiofs4(0, "data", "/srv", 0, false, 1)
      krun_disable_implicit_init(0)
      krun_fs_add_overlay_file(0, "data", "greeting", <5 bytes>, 5, 33188, true)
      krun_fs_add_overlay_dir(0, "data", "empty", 16877)
      krun_add_net_unixstream(0, "/run/passt.sock", -1, "52:54:00:12:34:56", 3, 0)
      krun_add_net_unixgram(0, null, <open file 0>, "52:54:00:12:34:56", 2048, 1)
      krun_add_net_tap(0, "krun0", "52:54:00:12:34:56", 0, 0)
      krun_set_passt_fd(0, <open file 0>)
      krun_set_gvproxy_path(0, "/run/gvproxy.sock")
      krun_set_net_mac(0, "52:54:00:12:34:56")
      krun_set_port_map(0, ["8080:80","8443:443"])
      krun_disable_implicit_vsock(0)
      krun_add_vsock(0, 1)
      krun_add_vsock_port(0, 1234, "/run/krun-none/vsock.sock")
      krun_add_vsock_port2(0, 1234, "/run/krun-none/vsock.sock", true)
      krun_set_console_output(0, "/srv/console.log")
      krun_disable_implicit_console(0)
      krun_add_virtio_console_default(0, <open file 0>, <open file 1>, <open file 1>)
      krun_add_virtio_console_multiport(0)
      krun_add_console_port_inout(0, 0, "agent", <open file 0>, <open file 1>)
      krun_add_serial_console_default(0, <open file 0>, <open file 1>)
      krun_set_kernel_console(0, "ttyS0")
      krun_set_exec(0, "/bin/echo", ["hello world",""], ["PATH=/bin","EMPTY="])
      krun_set_env(0, ["PATH=/bin"])
      krun_set_workdir(0, "/srv")
      krun_set_rlimits(0, ["7=1024:18446744073709551615"])
      krun_set_kernel(0, "/boot/vmlinux", 1, "FILE", "console=ttyS0 reboot=k")
      krun_set_firmware(0, "/usr/share/KRUN_EFI.fd")
      krun_set_tee_config_file(0, "/srv/tee.json")
      krun_set_gpu_options(0, 192)
      krun_set_gpu_options2(0, 64, 4294967296)
      krun_add_display(0, 1920, 1080)
      krun_display_set_edid(0, 0, <128 bytes>, 128)
      krun_display_set_dpi(0, 0, 96)
      krun_display_set_physical_size(0, 0, 600, 340)
      krun_display_set_refresh_rate(0, 0, 60)
      krun_set_display_backend(0, <64 bytes>, 64)
      krun_add_input_device(0, <64 bytes>, 64, <64 bytes>, 64)
      krun_add_input_device_fd(0, <open file 0>)
      krun_set_snd_device(0, true)"
    `);
  });
});

describe('a stub', () => {
  it('numbers contexts, and knows those that were freed no more', () => {
    const library = stubLibkrun();
    const [first, second] = [library.createContext(), library.createContext()];
    expect([first.id, second.id]).toEqual([0, 1]);
    first.free();
    expect(messageOf(() => first.setRoot({ path: '/srv' }))).toBe(
      'KrunError: libkrun does not know the context (krun_set_root: ENOENT)',
    );
    second.setRoot({ path: '/srv' });
  });

  it('starts nothing', async () => {
    await expect(stubLibkrun().createContext().startEnter()).rejects.toThrow(LibkrunNotAvailable);
  });

  it('answers calls in the wrong order as libkrun does', () => {
    const context = stubLibkrun().createContext();
    expect(messageOf(() => context.setRootDiskRemount({ device: '/dev/vda' }))).toContain(': EINVAL');
    expect(messageOf(() => context.addVsock({ hijack: [] }))).toContain(': EEXIST');
    context.disableImplicitVsock();
    expect(messageOf(() => context.setPortMap({ ports: [] }))).toContain(': ENODEV');
    context.addVsock({ hijack: ['inet'] });
    expect(messageOf(() => context.addVsock({ hijack: [] }))).toContain(': EEXIST');
    context.setPortMap({ ports: [{ host: 1, guest: 1 }] });
    context.addNetUnixstream({ path: '/run/passt.sock', mac: '52:54:00:12:34:56' });
    expect(messageOf(() => context.setPortMap({ ports: [] }))).toContain(': EINVAL');
    expect(messageOf(() => context.addConsolePortInout({ console: 0 }))).toContain(': EINVAL');
    context.setConsoleOutput({ path: '/srv/log' });
    expect(messageOf(() => context.setConsoleOutput({ path: '/srv/log' }))).toContain(': EINVAL');
  });

  it('has displays whose EDID says all of them', () => {
    const context = stubLibkrun().createContext();
    for (let index = 0; index < 16; index++) expect(context.addDisplay({ width: 1, height: 1 })).toBe(index);
    expect(messageOf(() => context.addDisplay({ width: 1, height: 1 }))).toContain(': ENOMEM');
    context.displaySetEdid({ display: 3, edid: EDID });
    expect(messageOf(() => context.displaySetDpi({ display: 3, dpi: 96 }))).toContain(': EINVAL');
    expect(messageOf(() => context.displaySetRefreshRate({ display: 3, refreshRateHz: 60 }))).toContain(
      ': EALREADY',
    );
    expect(messageOf(() => context.displaySetDpi({ display: 16, dpi: 96 }))).toContain(': EINVAL');
  });

  it('has overlays below overlay directories of known shares only', () => {
    const context = stubLibkrun().createContext();
    const file = { mode: 0o644, data: new Uint8Array() };
    expect(messageOf(() => context.fsAddOverlayDir({ tag: 'data', path: 'a', mode: 0o755 }))).toContain(
      ': ENOENT',
    );
    context.addVirtiofs({ tag: 'data', path: '/srv' });
    context.fsAddOverlayDir({ tag: 'data', path: '/a', mode: 0o755 });
    context.fsAddOverlayFile({ ...file, tag: 'data', path: 'a/b' });
    expect(messageOf(() => context.fsAddOverlayFile({ ...file, tag: 'data', path: 'a/b/c' }))).toContain(
      ': ENOTDIR',
    );
    expect(messageOf(() => context.fsAddOverlayFile({ ...file, tag: 'data', path: 'x/y' }))).toContain(
      ': ENOENT',
    );
    expect(messageOf(() => context.fsAddOverlayFile({ ...file, tag: 'data', path: 'a/' }))).toContain(
      ': EINVAL',
    );
  });

  it('initialises its log once', () => {
    const library = stubLibkrun();
    library.initLog({ level: 'error' });
    expect(() => library.initLog({ level: 'error' })).toThrow(OncePerProcess);
    expect(() => library.setLogLevel({ level: 'error' })).toThrow(OncePerProcess);
    stubLibkrun().setLogLevel({ level: 'trace' });
  });

  it('tells parts and abilities', () => {
    const library = stubLibkrun({ features: ['BLK'] });
    expect([library.hasFeature({ feature: 'BLK' }), library.hasFeature({ feature: 'NET' })]).toEqual([
      true,
      false,
    ]);
    expect(library.checkNestedVirt()).toBe(false);
    expect(library.maxVcpus()).toBe(255);
    expect(stubLibkrun().getDefaultInit()).toBeInstanceOf(Uint8Array);
    expect(stubLibkrun({ version: '1.18.0' }).hasFeature({ feature: 'INIT_BLOB' })).toBe(false);
  });
});

describe('what a library lacks', () => {
  it('is its version where it is older than the function', () => {
    for (const name of FUNCTION_NAMES) {
      const { since, variants } = availability[name];
      const variant = variants.includes('generic') ? 'generic' : 'sev';
      expect(stubLibkrun({ version: since, variant }).supports(name), name).toBe(true);
    }
    const context = stubLibkrun({ version: '1.17.4' }).createContext();
    const add = (): void => context.addVirtiofs3({ tag: 'data', path: '/srv' });
    expect(add).toThrow(NotSupportedByVersion);
    expect(messageOf(add)).toBe(
      'NotSupportedByVersion: krun_add_virtiofs3 exists since libkrun 1.18.0, and this is libkrun 1.17.4',
    );
    expect(() => stubLibkrun({ version: '1.17.2' }).hasFeature({ feature: 'NET' })).toThrow(
      NotSupportedByVersion,
    );
    expect(() => stubLibkrun({ version: '1.18.0' }).getDefaultInit()).toThrow(NotSupportedByVersion);
  });

  it('is its variant where none of that kind has the function', () => {
    const sev = stubLibkrun({ variant: 'sev' });
    expect(messageOf(() => sev.createContext().setRoot({ path: '/srv' }))).toBe(
      'NotSupportedByVariant: krun_set_root: libkrun-sev has no such function',
    );
    expect(() => sev.createContext().setKernel({ path: '/k', format: 'elf' })).toThrow(NotSupportedByVariant);
    sev.createContext().setTeeConfigFile({ path: '/srv/tee.json' });
    const generic = stubLibkrun().createContext();
    expect(messageOf(() => generic.setTeeConfigFile({ path: '/srv/tee.json' }))).toBe(
      'NotSupportedByVariant: krun_set_tee_config_file: libkrun has no such function',
    );
  });

  it('is a part that it was built without, also where the function is there and does nothing', () => {
    const context = stubLibkrun({ features: [] }).createContext();
    expect(messageOf(() => context.addDisk({ id: 'a', path: '/a' }))).toBe(
      'NotSupportedByVariant: krun_add_disk: this libkrun was built without BLK',
    );
    expect(() => context.setPasstFd({ fd: files.fds[0] })).toThrow(NotSupportedByVariant);
    expect(() => context.setGpuOptions({})).toThrow(NotSupportedByVariant);
    expect(() => context.setSndDevice({ enabled: true })).toThrow(NotSupportedByVariant);
    expect(() => context.addInputDeviceFd({ fd: files.fds[0] })).toThrow(NotSupportedByVariant);
    expect(() => stubLibkrun({ features: [] }).getDefaultInit()).toThrow(NotSupportedByVariant);
  });
});
