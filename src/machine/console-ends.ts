import { openSync } from 'node:fs';
import { makePipe } from '../host/libc.ts';
import { openPty } from '../host/pty.ts';
import type { ConsolePort as UserPort } from '../project/project.ts';
import {
  consolePorts,
  terminalId,
  userPorts,
  userTerminalSize,
  type BootstrapGuest,
  type ConsolePort,
  type PortName,
} from './console-ports.ts';
import type { Descriptors } from '../libkrun/execute.ts';

/** The host's ends of a guest's ports: open descriptors that nothing has read or written yet, and that stay open. */
export interface ConsoleEnds {
  readonly control: number;
  readonly events: number;
  readonly slots: readonly SlotEnds[];
  /** Masters of pseudo terminals, by the number of the terminal. */
  readonly terminals: readonly number[];
  /** Of the ports that the user named. */
  readonly users: readonly UserEnds[];
  /** Where the machine's own command reads from. */
  readonly stdin?: number;
  /** Master of the terminal of the machine's own command. */
  readonly tty?: number;
  /** Ends the output of that terminal. */
  readonly ttyMark: string;
}

export interface SlotEnds {
  readonly input: number;
  readonly output: number;
  readonly error: number;
}

/** The host's end of a port of the user's own. */
export interface UserEnds {
  readonly port: UserPort;
  /** Where to write what the guest reads, and to read what it wrote; or the master of its terminal. */
  readonly end: { readonly input: number; readonly output: number } | { readonly master: number };
}

interface Opened {
  readonly ends: ConsoleEnds;
  /** What libkrun gets. */
  readonly descriptors: Descriptors;
}

type HostEnds = Readonly<Partial<Record<string, number>>>;

/**
 * Opens both ends of all ports. libkrun spins when the host's end of a port is closed, and serves no more input after
 * the end of one: so no end is ever closed.
 */
export function openConsole(
  guest: BootstrapGuest,
  own: { readonly script: number; readonly statusFile: string; readonly ttyMark: string },
): Opened {
  const rest = consolePorts(guest).filter(({ name }) => name !== 'script' && name !== 'status');
  const { host, descriptors } = openPorts(rest);
  return {
    ends: { ...endsOf(guest, host), ttyMark: own.ttyMark },
    descriptors: { ...descriptors, script: own.script, status: openSync(own.statusFile, 'a', 0o600) },
  };
}

/** Opens the user's own ports, where no agent has any. */
export function openUserConsole(ports: readonly UserPort[]): {
  readonly users: readonly UserEnds[];
  readonly descriptors: Descriptors;
} {
  const { host, descriptors } = openPorts(userPorts(ports));
  return { users: userEnds(ports, host), descriptors };
}

function openPorts(ports: readonly ConsolePort[]): {
  readonly host: HostEnds;
  readonly descriptors: Descriptors;
} {
  const host: Record<string, number> = {};
  const descriptors: Record<string, number> = {};
  for (const { name, carries } of ports) {
    if (carries === 'terminal') {
      const { rows, columns } = terminalSize(name);
      const { master, slave } = openPty(rows, columns);
      [host[name], descriptors[name]] = [master, slave];
      continue;
    }
    if (carries !== 'output') [descriptors[name], host[name]] = pipeEnds();
    const output = carries === 'both' ? `${name}.out` : name;
    if (carries !== 'input') [host[output], descriptors[output]] = pipeEnds();
  }
  return { host, descriptors };
}

function terminalSize(name: PortName): { readonly rows: number; readonly columns: number } {
  if (name.startsWith('u')) return userTerminalSize(name);
  return { rows: terminalId(name), columns: terminalId(name) };
}

function pipeEnds(): readonly [read: number, write: number] {
  const { read, write } = makePipe();
  return [read, write];
}

function endsOf(guest: BootstrapGuest, host: HostEnds): Omit<ConsoleEnds, 'ttyMark'> {
  const names = consolePorts(guest).map(({ name }) => name);
  const end = (name: string): number => endIn(host, name);
  return {
    control: end('control'),
    events: end('events'),
    slots: names
      .filter((name) => /^d\d/.test(name))
      .map((name) => ({ input: end(name), output: end(`${name}.out`), error: end(name.replace('d', 'e')) })),
    terminals: names.filter((name) => /^t\d/.test(name)).map(end),
    users: userEnds(guest.ports ?? [], host),
    ...(names.includes('stdin') ? { stdin: end('stdin') } : {}),
    ...(names.includes('tty') ? { tty: end('tty') } : {}),
  };
}

function userEnds(ports: readonly UserPort[], host: HostEnds): readonly UserEnds[] {
  return ports.map((port, index) => ({
    port,
    end:
      port.kind === 'terminal'
        ? { master: endIn(host, `u${index}`) }
        : { input: endIn(host, `u${index}`), output: endIn(host, `u${index}.out`) },
  }));
}

function endIn(host: HostEnds, name: string): number {
  const fd = host[name];
  if (fd === undefined) throw new Error(`no end of port ${name}`);
  return fd;
}
