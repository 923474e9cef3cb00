import type { Diagnostic } from '../base/diagnostic.ts';
import { errorDiagnostic } from '../base/diagnostic.ts';
import type { Result } from '../base/result.ts';
import { CallList, CTX, type Capabilities } from './call-list.ts';
import type { Call } from './calls.ts';
import { KERNEL_FORMATS, LOG_OPTION_NO_ENV, LOG_STYLES, RLIMITS, UNLIMITED } from './constants.ts';
import { addConsoles } from './consoles.ts';
import { addDevices, addMachineOptions } from './devices.ts';
import { execProblems } from './exec-words.ts';
import { isAtLeast } from './functions.ts';
import { bzip2Problem, cmdlineProblem, formatProblem, initrdProblem } from './kernel-format.ts';
import { addNetwork } from './network.ts';
import { addStorage } from './storage.ts';
import type { Vm, VmExec, VmRlimit } from './vm.ts';

/**
 * Everything that libkrun is told about a machine, in the one order that it accepts, or every reason why this library
 * cannot build it.
 */
export function compile(vm: Vm, capabilities: Capabilities): Result<readonly Call[], readonly Diagnostic[]> {
  const list = new CallList(capabilities);
  const { target, level, ignoreEnvironment, style = 'never' } = vm.log;
  list.add('krun_init_log', target, level, LOG_STYLES[style], ignoreEnvironment ? LOG_OPTION_NO_ENV : 0);
  list.addResult('ctx', 'krun_create_ctx');
  list.add('krun_set_vm_config', CTX, vm.vcpus, vm.memoryMiB);
  addMachineOptions(list, vm);
  addBoot(list, vm);
  addStorage(list, vm);
  addRlimits(list, vm.rlimits ?? []);
  addNetwork(list, vm.network);
  addConsoles(list, vm);
  addDevices(list, vm);
  if (vm.exec) addExec(list, vm.exec);
  if (vm.shutdownEvent) list.addResult('shutdown', 'krun_get_shutdown_eventfd', CTX);
  list.add('krun_start_enter', CTX);
  return list.result();
}

function addBoot(list: CallList, { boot, memoryMiB }: Vm): void {
  if (boot?.kind === 'firmware') list.add('krun_set_firmware', CTX, boot.path);
  if (boot?.kind !== 'kernel') return;
  list.reject(...kernelProblems(boot, memoryMiB, list));
  const { path, format, initramfs, cmdline } = boot;
  list.add('krun_set_kernel', CTX, path, KERNEL_FORMATS[format], initramfs ?? null, cmdline ?? null);
}

/** What libkrun would abort on, or take for something else. */
function kernelProblems(
  { format, initramfs, cmdline }: Extract<Vm['boot'], { kind: 'kernel' }>,
  memoryMiB: number,
  list: CallList,
): readonly Diagnostic[] {
  const { arch } = list.capabilities;
  const problems = [
    ['capability', formatProblem(format, arch)],
    ['capability', bzip2Problem(format, isAtLeast('1.18', list))],
    ['limit', initramfs === undefined ? undefined : initrdProblem(memoryMiB, arch)],
    ['invalid-value', cmdline === undefined ? undefined : cmdlineProblem(cmdline)],
  ] as const;
  return problems.flatMap(([code, problem]) =>
    problem === undefined ? [] : [errorDiagnostic(code, problem.message, problem)],
  );
}

function addRlimits(list: CallList, rlimits: readonly VmRlimit[]): void {
  if (rlimits.length === 0) return;
  const limits: string[] = [];
  for (const { name, soft, hard } of rlimits) {
    const id = (RLIMITS as Readonly<Record<string, number>>)[name];
    if (id === undefined) list.reject(errorDiagnostic('invalid-value', `unknown resource limit '${name}'`));
    else limits.push(`${id}=${limitText(soft)}:${limitText(hard)}`);
  }
  list.add('krun_set_rlimits', CTX, limits);
}

function limitText(value: number): string {
  return value === -1 ? UNLIMITED : String(value);
}

function addExec(list: CallList, exec: VmExec): void {
  if (!exec.isChecked) list.reject(...execProblems(exec));
  list.add('krun_set_exec', CTX, exec.path, exec.args, exec.env);
  if (exec.workingDir !== undefined) list.add('krun_set_workdir', CTX, exec.workingDir);
}
