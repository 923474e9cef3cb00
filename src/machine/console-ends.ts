import { openSync } from 'node:fs';
import { makePipe } from '../host/libc.ts';
import { openPty } from '../host/pty.ts';
import { consolePorts, terminalId, type BootstrapGuest } from './console-ports.ts';
import type { Descriptors } from '../libkrun/execute.ts';

/** The host's ends of a guest's ports: open descriptors that nothing has read or written yet, and that stay open. */
export interface ConsoleEnds {
  readonly control: number;
  readonly events: number;
  readonly slots: readonly SlotEnds[];
  /** Masters of pseudo terminals, by the number of the terminal. */
  readonly terminals: readonly number[];
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

interface Opened {
  readonly ends: ConsoleEnds;
  /** What libkrun gets. */
  readonly descriptors: Descriptors;
}

/**
 * Opens both ends of all ports. libkrun spins when the host's end of a port is closed, and serves no more input after
 * the end of one: so no end is ever closed.
 */
export function openConsole(
  guest: BootstrapGuest,
  own: { readonly script: number; readonly statusFile: string; readonly ttyMark: string },
): Opened {
  const host: Partial<Record<string, number>> = {};
  const descriptors: Record<string, number> = {};
  for (const { name, carries } of consolePorts(guest)) {
    if (name === 'script') descriptors[name] = own.script;
    else if (name === 'status') descriptors[name] = openSync(own.statusFile, 'a', 0o600);
    else if (carries === 'terminal') {
      const size = terminalId(name);
      const { master, slave } = openPty(size, size);
      [host[name], descriptors[name]] = [master, slave];
    } else {
      if (carries !== 'output') [descriptors[name], host[name]] = pipeEnds();
      const output = carries === 'both' ? `${name}.out` : name;
      if (carries !== 'input') [host[output], descriptors[output]] = pipeEnds();
    }
  }
  return { ends: { ...endsOf(guest, host), ttyMark: own.ttyMark }, descriptors };
}

function pipeEnds(): readonly [read: number, write: number] {
  const { read, write } = makePipe();
  return [read, write];
}

function endsOf(
  guest: BootstrapGuest,
  host: Readonly<Partial<Record<string, number>>>,
): Omit<ConsoleEnds, 'ttyMark'> {
  const names = consolePorts(guest).map(({ name }) => name);
  const end = (name: string): number => {
    const fd = host[name];
    if (fd === undefined) throw new Error(`no end of krun.${name}`);
    return fd;
  };
  return {
    control: end('control'),
    events: end('events'),
    slots: names
      .filter((name) => /^d\d/.test(name))
      .map((name) => ({ input: end(name), output: end(`${name}.out`), error: end(name.replace('d', 'e')) })),
    terminals: names.filter((name) => /^t\d/.test(name)).map(end),
    ...(names.includes('stdin') ? { stdin: end('stdin') } : {}),
    ...(names.includes('tty') ? { tty: end('tty') } : {}),
  };
}
