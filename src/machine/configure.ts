import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import type { Result } from '../base/result.ts';
import type { LogLevel } from '../project/project.ts';
import { LOADER } from './bootstrap.ts';
import { CallList, CTX, fd } from './call-list.ts';
import type { Call } from './calls.ts';
import { consolePorts, type ConsolePort } from './console-ports.ts';
import { directExec } from './direct-exec.ts';
import type { LibkrunFunction } from './ffi.ts';
import { addNetwork } from './network-calls.ts';
import type { GuestSpec, MachineSpec, SpecDisk } from './spec.ts';

/** What the opened library and the machine under it can do. */
export interface Capabilities {
  readonly functions: ReadonlySet<LibkrunFunction>;
  /** Node's name of the processor. */
  readonly arch: string;
  readonly os: string;
}

const CONSOLE = { result: 'console' } as const;

const LOG_LEVELS: Readonly<Record<LogLevel, number>> = {
  // The guest kernel's messages reach the log at this level; without them a panic looks like success.
  off: 1,
  error: 1,
  warn: 2,
  info: 3,
  debug: 4,
  trace: 5,
};
const LOG_STYLE_NEVER = 2;
const LOG_OPTION_NO_ENV = 1;
const DISK_FORMATS = { raw: 0, qcow2: 1, vmdk: 2 } as const;
const DISK_SYNCS = { none: 0, relaxed: 1, full: 2 } as const;

/** Device names end at 36 bytes in virtio-fs; a longer tag aborts the process. */
const LONGEST_TAG_BYTES = 36;

/** Interrupts 5 to 15 of the PC's controller, one for each virtio device. */
const MOST_DEVICES_X64 = 11;

/** Linux numbers of the limits that setrlimit(2) knows, as libkrun wants them on every host. */
const RLIMITS: Readonly<Record<string, number>> = {
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
};
const UNLIMITED = '18446744073709551615';

/**
 * Everything that libkrun is told about a machine, in the one order that it accepts, or every reason why this library
 * cannot run it.
 */
export function calls(
  spec: MachineSpec,
  capabilities: Capabilities,
): Result<readonly Call[], readonly Diagnostic[]> {
  const script = new CallList(capabilities.functions);
  script.add('krun_init_log', fd('log'), LOG_LEVELS[spec.logLevel], LOG_STYLE_NEVER, LOG_OPTION_NO_ENV);
  script.addResult('ctx', 'krun_create_ctx');
  script.add('krun_set_vm_config', CTX, spec.cpus, spec.memoryMiB);
  addStorage(script, spec, capabilities);
  addRlimits(script, spec);
  script.reject(...addNetwork(script, spec.network, capabilities.os));
  addConsoles(script, spec);
  addExec(script, spec);
  script.add('krun_start_enter', CTX);
  script.reject(...deviceBudget(spec, capabilities));
  return script.result();
}

function addStorage(script: CallList, spec: MachineSpec, capabilities: Capabilities): void {
  if (spec.root.kind === 'directory') script.add('krun_set_root', CTX, spec.root.path);
  for (const disk of spec.disks) addDisk(script, disk, capabilities);
  if (spec.root.kind === 'disk') {
    const { device, fstype, options } = spec.root;
    script.add('krun_set_root_disk_remount', CTX, device, fstype ?? null, options ?? null);
  }
  for (const share of spec.shares) addShare(script, share);
}

function addDisk(script: CallList, disk: SpecDisk, capabilities: Capabilities): void {
  const format = DISK_FORMATS[disk.format];
  // What krun_add_disk2 does when nothing is asked.
  const usualSync = capabilities.os === 'darwin' ? 'relaxed' : 'full';
  const isUsual = !disk.directIo && disk.sync === usualSync && disk.format !== 'vmdk';
  if (script.has('krun_add_disk2') && !script.has('krun_add_disk3') && isUsual) {
    script.add('krun_add_disk2', CTX, disk.id, disk.path, format, disk.readOnly);
    return;
  }
  const sync = DISK_SYNCS[disk.sync];
  script.add('krun_add_disk3', CTX, disk.id, disk.path, format, disk.readOnly, disk.directIo, sync);
}

function addShare(script: CallList, share: MachineSpec['shares'][number]): void {
  const bytes = Buffer.byteLength(share.tag);
  if (bytes > LONGEST_TAG_BYTES || bytes === 0) {
    script.reject(
      errorDiagnostic('limit', `share tag '${share.tag}' has ${bytes} bytes; virtio-fs allows 1 to 36`, {
        hint: 'give the share a shorter `tag`',
      }),
    );
  }
  if (script.has('krun_add_virtiofs3')) {
    script.add('krun_add_virtiofs3', CTX, share.tag, share.path, share.daxBytes, share.readOnly);
    return;
  }
  if (share.readOnly) {
    // Mounting it read-only in the guest would be a promise that the guest itself can break.
    script.reject(
      errorDiagnostic('capability', `this libkrun cannot keep the guest from writing to ${share.path}`, {
        hint: 'use libkrun 1.18 or newer, or share it without `ro`',
      }),
    );
  }
  if (share.daxBytes > 0) script.add('krun_add_virtiofs2', CTX, share.tag, share.path, share.daxBytes);
  else script.add('krun_add_virtiofs', CTX, share.tag, share.path);
}

function addRlimits(script: CallList, spec: MachineSpec): void {
  if (spec.rlimits.length === 0) return;
  const limits: string[] = [];
  for (const { name, soft, hard } of spec.rlimits) {
    const id = RLIMITS[name];
    if (id === undefined) script.reject(errorDiagnostic('invalid-value', `unknown resource limit '${name}'`));
    else limits.push(`${id}=${limitText(soft)}:${limitText(hard)}`);
  }
  script.add('krun_set_rlimits', CTX, limits);
}

function limitText(value: number): string {
  return value === -1 ? UNLIMITED : String(value);
}

function addConsoles(script: CallList, spec: MachineSpec): void {
  // libkrun's own console would put the process's terminal, if any, into raw mode.
  script.add('krun_disable_implicit_console', CTX);
  if (spec.guest.kind === 'bootstrap') {
    script.addResult('console', 'krun_add_virtio_console_multiport', CTX);
    for (const port of consolePorts(spec.guest)) addPort(script, port);
  }
  script.add('krun_add_virtio_console_default', CTX, -1, fd('stdout'), fd('stderr'));
}

function addPort(script: CallList, { name, carries }: ConsolePort): void {
  if (carries === 'terminal') {
    script.add('krun_add_console_port_tty', CTX, CONSOLE, `krun.${name}`, fd(name));
    return;
  }
  const input = carries === 'output' ? -1 : fd(name);
  const output = carries === 'input' ? -1 : fd(carries === 'both' ? `${name}.out` : name);
  script.add('krun_add_console_port_inout', CTX, CONSOLE, `krun.${name}`, input, output);
}

function addExec(script: CallList, spec: MachineSpec): void {
  if (spec.guest.kind === 'bootstrap') {
    script.reject(...nulBytes(spec.guest));
    script.add('krun_set_exec', CTX, '/bin/sh', ['-c', LOADER], []);
    return;
  }
  const exec = directExec(spec.guest);
  if (!exec.ok) {
    script.reject(...exec.error);
    return;
  }
  const { path, argv, envp, workingDir } = exec.value;
  script.add('krun_set_exec', CTX, path, argv, envp);
  script.add('krun_set_workdir', CTX, workingDir);
}

/** Neither a shell script nor a program's argument can hold one. */
function nulBytes(guest: Extract<GuestSpec, { readonly kind: 'bootstrap' }>): readonly Diagnostic[] {
  const texts = {
    command: guest.command,
    environment: Object.entries(guest.environment).flat(),
    working_dir: [guest.workingDir],
  };
  return Object.entries(texts)
    .filter(([, words]) => words.some((word) => word.includes('\0')))
    .map(([key]) =>
      errorDiagnostic('invalid-value', `${key} has a NUL character, which no program can be given`),
    );
}

function deviceBudget(spec: MachineSpec, capabilities: Capabilities): readonly Diagnostic[] {
  if (capabilities.arch !== 'x64') return [];
  const { tsi, interfaces } = spec.network;
  // Balloon, random numbers, root file system, default console.
  const fixed = 4 + (tsi ? 1 : 0) + (spec.guest.kind === 'bootstrap' ? 1 : 0);
  const left = MOST_DEVICES_X64 - fixed;
  const used = spec.disks.length + spec.shares.length + interfaces.length;
  if (used <= left) return [];
  const what = interfaces.length > 0 ? 'disks, shares and interfaces' : 'disks and shares';
  return [
    errorDiagnostic(
      'limit',
      `the machine has ${used} ${what}; libkrun has room for ${left} on this processor`,
      { hint: 'put several directories below one share, or several file systems on one disk' },
    ),
  ];
}
