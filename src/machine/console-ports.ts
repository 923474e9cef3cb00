import type { GuestSpec } from './spec.ts';

export type BootstrapGuest = Extract<GuestSpec, { readonly kind: 'bootstrap' }>;

/** A port of the guest's multiport console, without `krun.` in front. */
export type PortName =
  | 'script'
  | 'control'
  | 'status'
  | 'events'
  | 'stdin'
  | 'tty'
  | UserPortName
  | `d${number}`
  | `e${number}`
  | `t${number}`;

/** A port of the user's own, by its place in the file. */
export type UserPortName = `u${number}`;

export interface ConsolePort {
  readonly name: PortName;
  readonly carries: 'input' | 'output' | 'both' | 'terminal';
  /** What the guest calls it; `krun.` and the name when absent. */
  readonly label?: string;
}

/**
 * Linux has eight terminals of this kind, one of which libkrun's own console takes, and the last one the command of a
 * machine with `tty`.
 */
const MOST_TERMINALS = 6;

/**
 * What a guest is given that does not say; who comes later waits. Each port costs the guest 128 KiB, and its kernel time
 * at boot: with 24 slots a guest is ready a tenth later, with 8 the difference is not to be seen.
 */
const DEFAULT_SESSIONS = { slots: 8, terminals: 4 } as const;

export function sessionCounts(guest: BootstrapGuest): { readonly slots: number; readonly terminals: number } {
  const { slots, terminals } = guest.sessions ?? DEFAULT_SESSIONS;
  const taken = userPorts(guest.ports).filter(({ carries }) => carries === 'terminal').length;
  return { slots: Math.max(1, slots), terminals: Math.min(terminals, MOST_TERMINALS - taken) };
}

/** The ports that the user named. */
export function userPorts(ports: BootstrapGuest['ports'] = []): readonly ConsolePort[] {
  return ports.map(({ name, kind }, index) => ({
    name: `u${index}`,
    carries: kind === 'terminal' ? 'terminal' : 'both',
    label: name,
  }));
}

/**
 * The ports of a guest in their order, which is their number in the guest. libkrun loses what it says about ports beyond
 * the first 31: they have no name then, and are never terminals. So those come last that are found by their number.
 */
export function consolePorts(guest: BootstrapGuest): readonly ConsolePort[] {
  const { slots, terminals } = sessionCounts(guest);
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
  return [
    { name: 'script', carries: 'input' },
    { name: 'control', carries: 'input' },
    { name: 'status', carries: 'output' },
    { name: 'events', carries: 'output' },
    ...(guest.tty ? [{ name: 'tty', carries: 'terminal' } as const] : []),
    ...(guest.stdinOpen && !guest.tty ? [{ name: 'stdin', carries: 'input' } as const] : []),
    ...userPorts(guest.ports),
    ...numbers(terminals).map((index): ConsolePort => ({ name: `t${index}`, carries: 'terminal' })),
    ...numbers(slots).flatMap((slot): readonly ConsolePort[] => [
      { name: `d${slot}`, carries: 'both' },
      { name: `e${slot}`, carries: 'output' },
    ]),
  ];
}

/** Number of a port in the guest. */
export function portNumber(guest: BootstrapGuest, name: PortName): number {
  const index = consolePorts(guest).findIndex((port) => port.name === name);
  if (index < 0) throw new Error(`no port krun.${name}`);
  return index;
}

/**
 * The size that a terminal has until it is used, rows and columns alike. The guest finds its terminals by it: nothing
 * in the guest tells which of its /dev/hvc* belongs to which port.
 */
export function terminalId(name: PortName): number {
  return name === 'tty' ? 20_000 : 20_001 + Number(name.slice(1));
}

/** Size of a terminal of the user's own: nobody sets another one, so it is a usual one, and yet not that of another. */
export function userTerminalSize(name: PortName): { readonly rows: number; readonly columns: number } {
  return { rows: 24, columns: 80 + Number(name.slice(1)) };
}
