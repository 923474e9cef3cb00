import { isAtLeast } from '../vm/functions.ts';
import { hasConsole } from '../vm/kernel-format.ts';
import { U32 } from './context-base.ts';
import { NetworkContext } from './context-network.ts';
import type { PathOptions } from './context-storage.ts';
import type { OptionReader } from './options.ts';

/** Open files; a stream that is left out leads nowhere. */
export interface StreamOptions {
  readonly input?: number;
  readonly output?: number;
}

export interface ConsoleOptions extends StreamOptions {
  readonly error?: number;
}

export interface ConsolePortOptions {
  /** What {@link ConsoleContext.addVirtioConsoleMultiport} returned. */
  readonly console: number;
  /** The guest's /dev/virtio-ports/NAME. */
  readonly name?: string;
}

export interface TerminalPortOptions extends ConsolePortOptions {
  /** Of a terminal, which goes into raw mode while the machine runs. Not 0. */
  readonly fd: number;
}

/** Both directions take files of their own: libkrun closes each. */
export interface InoutPortOptions extends ConsolePortOptions, StreamOptions {}

const LONGEST_PORT_NAME_BYTES = 255;

/** Consoles and serial ports. */
export abstract class ConsoleContext extends NetworkContext {
  /**
   * All output of the implicit console - kernel, init and command - goes to a file, which is emptied; the guest's input
   * is empty. Opened at the start as the user of {@link ProcessContext.setUid}. EINVAL the second time. libkrun >= 1.8.
   */
  setConsoleOutput(options: PathOptions): void {
    this.make('krun_set_console_output', options, (o) => [o.path('path')]);
  }

  /**
   * libkrun leaves this process's standard streams alone: otherwise it makes them non-blocking, takes SIGINT, and puts a
   * terminal into raw mode. libkrun >= 1.16.
   */
  disableImplicitConsole(): void {
    this.make('krun_disable_implicit_console', {});
  }

  /**
   * A console as the implicit one, over other files. A terminal becomes hvc0; otherwise the command's streams are the
   * ports krun-stdin, krun-stdout and krun-stderr, and what hvc0 says goes to the log. libkrun >= 1.16.
   */
  addVirtioConsoleDefault(options: ConsoleOptions): void {
    this.make('krun_add_virtio_console_default', options, (o) => [
      ...streams(o),
      o.descriptorOrNone('error'),
    ]);
  }

  /** A console of ports that are added to it; its number. One without a port is refused at the start. libkrun >= 1.17. */
  addVirtioConsoleMultiport(): number {
    const console = this.make('krun_add_virtio_console_multiport', {});
    this.told.consolePorts.set(console, 0);
    return console;
  }

  /** A port on a terminal. ENOTTY for another file, EINVAL for an unknown console. libkrun >= 1.17. */
  addConsolePortTty(options: TerminalPortOptions): void {
    this.make('krun_add_console_port_tty', options, (o) => [...port(o), o.terminal('fd')]);
    this.#count(options.console);
  }

  /** A port on one or two files. EINVAL for an unknown console. libkrun >= 1.17. */
  addConsolePortInout(options: InoutPortOptions): void {
    this.make('krun_add_console_port_inout', options, (o) => {
      const [input, output] = streams(o);
      if (input === output && input !== -1)
        o.fail('output', 'must not be the file of the input', 'duplicate it: libkrun closes each of them');
      return [...port(o), input, output];
    });
    this.#count(options.console);
  }

  /**
   * ttyS0 (ttyAMA0 on arm64) for firmware and kernels without virtio. libkrun takes the files over. Both are needed
   * before 1.18, which aborts on one that is missing. libkrun >= 1.16.
   */
  addSerialConsoleDefault(options: StreamOptions): void {
    this.make('krun_add_serial_console_default', options, (o) => {
      const [input, output] = streams(o);
      if ((input === -1 || output === -1) && !isAtLeast('1.18', this.binding.side.native))
        o.fail(
          input === -1 ? 'input' : 'output',
          'is missing; libkrun before 1.18 needs both',
          'open /dev/null',
        );
      return [input, output];
    });
  }

  /**
   * The kernel's `console=`, hvc0 if not set. With a kernel and a command line of one's own, that line must have a
   * `console=` that is not its last word: libkrun replaces it. libkrun >= 1.16.
   */
  setKernelConsole(options: {
    /** Name of the device in the guest: `ttyS0`. */
    readonly device: string;
  }): void {
    this.make('krun_set_kernel_console', options, (o) => {
      const device = o.text('device', { mostBytes: 255, only: 'word' });
      const { kernelCmdline } = this.told;
      if (kernelCmdline !== undefined && !hasConsole(kernelCmdline))
        o.fail('device', NO_CONSOLE.problem, NO_CONSOLE.hint);
      return [device];
    });
    this.told.kernelConsole = options.device;
  }

  #count(console: number): void {
    this.told.consolePorts.set(console, (this.told.consolePorts.get(console) ?? 0) + 1);
  }
}

/** What libkrun asserts of a command line whose console it is to replace. */
export const NO_CONSOLE = {
  problem: 'cannot replace the console: the kernel command line has no `console=` that another word follows',
  hint: 'write `console=` into the command line, and leave the device out',
} as const;

function streams(o: OptionReader): readonly [input: number, output: number] {
  return [o.descriptorOrNone('input'), o.descriptorOrNone('output')];
}

function port(o: OptionReader): readonly [console: number, name: string | null] {
  const name = o.maybe('name', () => o.text('name', { mostBytes: LONGEST_PORT_NAME_BYTES }));
  return [o.integer('console', [0, U32]), name];
}
