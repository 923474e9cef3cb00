import { errorDiagnostic } from '../base/diagnostic.ts';
import { CTX, type CallList } from './call-list.ts';
import { isAtLeast } from './functions.ts';
import { hasConsole } from './kernel-format.ts';
import type { Vm, VmConsole, VmConsolePort, VmSerial } from './vm.ts';

/** The calls for virtio consoles, serial ports, and what the kernel takes for its console. */
export function addConsoles(list: CallList, { consoles, serial = [], kernelConsole, boot }: Vm): void {
  if (consoles.kind === 'explicit') {
    // libkrun's own console would put the process's terminal, if any, into raw mode.
    list.add('krun_disable_implicit_console', CTX);
    consoles.consoles.forEach((console, index) => addConsole(list, console, index));
  } else {
    if (consoles.outputFile !== undefined) list.add('krun_set_console_output', CTX, consoles.outputFile);
    consoles.more?.forEach((console, index) => addConsole(list, console, index));
  }
  for (const port of serial) addSerial(list, port);
  if (kernelConsole === undefined) return;
  if (boot?.kind === 'kernel' && boot.cmdline !== undefined && !hasConsole(boot.cmdline)) {
    const hint = `write \`console=${kernelConsole}\` into the command line`;
    list.reject(
      errorDiagnostic('conflict', "the kernel's command line names no console to replace", { hint }),
    );
  }
  list.add('krun_set_kernel_console', CTX, kernelConsole);
}

function addSerial(list: CallList, { input, output }: VmSerial): void {
  if ((input === -1 || output === -1) && !isAtLeast('1.18', list)) {
    list.reject(
      errorDiagnostic('capability', 'this libkrun aborts on a serial port without input or output', {
        hint: 'give it /dev/null, or use libkrun 1.18 or newer',
      }),
    );
  }
  list.add('krun_add_serial_console_default', CTX, input, output);
}

function addConsole(list: CallList, console: VmConsole, index: number): void {
  if (console.kind === 'default') {
    list.add('krun_add_virtio_console_default', CTX, console.input, console.output, console.error);
    return;
  }
  const result = list.addResult(`console${index}`, 'krun_add_virtio_console_multiport', CTX);
  for (const port of console.ports) addPort(list, result, port);
}

function addPort(list: CallList, console: { readonly result: string }, port: VmConsolePort): void {
  const name = port.name ?? null;
  if (port.kind === 'terminal') list.add('krun_add_console_port_tty', CTX, console, name, port.fd);
  else list.add('krun_add_console_port_inout', CTX, console, name, port.input, port.output);
}
