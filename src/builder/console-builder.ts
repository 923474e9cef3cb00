import type { Diagnostic } from '../base/diagnostic.ts';
import type { Fd } from '../vm/calls.ts';
import type { VmConsole, VmConsolePort, VmConsoles } from '../vm/vm.ts';
import { descriptor, hostPath, text } from './checks.ts';
import { mistake } from './error.ts';
import { Part } from './part.ts';

/** Open files for the guest's three standard streams; -1 for one that leads nowhere. */
export interface Streams {
  readonly input: Fd;
  readonly output: Fd;
  readonly error: Fd;
}

/** Open files for the two directions of a port, different ones; -1 for a direction that is not used. */
export interface PortEnds {
  readonly input: Fd;
  readonly output: Fd;
}

export interface ConsoleState {
  readonly output?: string;
  readonly streams?: Streams;
  readonly ports: readonly VmConsolePort[];
  readonly isImplicit: boolean;
}

export const CONSOLE: ConsoleState = { ports: [], isImplicit: true };

/** The virtio console; without a word of it the guest has the terminal, or the standard streams, of this process. */
export class ConsoleBuilder extends Part<ConsoleState> {
  /** A file for what libkrun's own console prints, in place of the standard streams; libkrun empties it first. */
  output(file: string): this {
    return this.with({ output: hostPath(file) }, text('console.output', file));
  }

  /** Open files in place of this process's standard streams. A terminal among them is the guest's terminal. */
  streams(streams: Streams): this {
    const { input, output, error } = streams;
    return this.with(
      { streams: { input, output, error } },
      ...[input, output, error].map((fd) => descriptor('console.streams', fd, true)),
    );
  }

  /** A named port: /dev/virtio-ports/NAME in the guest, where udev runs. libkrun reads `input`, writes `output`. */
  port(name: string, { input, output }: PortEnds): this {
    const where = 'console.port';
    const isSame = input !== -1 && fileOf(input) === fileOf(output);
    return this.with(
      { ports: [...this.state.ports, { kind: 'inout', name, input, output }] },
      text(where, name),
      descriptor(where, input, true),
      descriptor(where, output, true),
      isSame
        ? mistake(where, `${name} has one open file twice`, 'open it twice: libkrun closes both')
        : undefined,
    );
  }

  /** A named port on a terminal, which libkrun puts into raw mode. */
  portTty(name: string, fd: Fd): this {
    const zero =
      fd === 0 ? mistake('console.portTty', 'libkrun aborts for file 0; open the terminal anew') : undefined;
    return this.with(
      { ports: [...this.state.ports, { kind: 'terminal', name, fd }] },
      text('console.portTty', name),
      zero ?? descriptor('console.portTty', fd, false),
    );
  }

  /** No console beside what `streams` and `port` say: the streams of this process are left alone. */
  disableImplicit(): this {
    return this.with({ isImplicit: false });
  }
}

function fileOf(fd: Fd): number | string | undefined {
  return typeof fd === 'object' ? fd?.descriptor : fd;
}

/** The consoles; libkrun's own one comes first unless it is replaced or disabled. */
export function consolesOf({ output, streams, ports, isImplicit }: ConsoleState): VmConsoles {
  const more: readonly VmConsole[] = ports.length > 0 ? [{ kind: 'multiport', ports }] : [];
  if (streams) return { kind: 'explicit', consoles: [{ kind: 'default', ...streams }, ...more] };
  if (!isImplicit) return { kind: 'explicit', consoles: more };
  return {
    kind: 'implicit',
    ...(output === undefined ? {} : { outputFile: output }),
    ...(more.length > 0 ? { more } : {}),
  };
}

/** What does not go together. */
export function consoleMistakes({ output, streams, ports, isImplicit }: ConsoleState): readonly Diagnostic[] {
  const names = ports.map(({ name = '' }) => name);
  const twice = new Set(names.filter((one, index) => names.indexOf(one) !== index));
  const isReplaced = streams !== undefined || !isImplicit;
  const message = "only libkrun's own console prints to a file";
  return [
    ...(output !== undefined && isReplaced
      ? [mistake('console.output', message, 'name an open file with streams()')]
      : []),
    ...[...twice].map((name) => mistake('console.port', `two ports have the name '${name}'`)),
  ];
}
