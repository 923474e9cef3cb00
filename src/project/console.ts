import type { ConsoleConfig, ConsolePortConfig, SerialConfig } from '../config/schema.gen.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import type { Place } from './place.ts';
import type { ConsolePort, LogSettings, SerialPort } from './project.ts';
import { checkSocketPath } from './socket-path.ts';

/**
 * libkrun loses what it says about a console's ports beyond the first 31, and the agent has up to 11 of its own that
 * need a name or are terminals.
 */
const MOST_PORTS = 16;

/** Linux has eight consoles of this kind: one is libkrun's own, one the command's with `tty`. */
const MOST_TERMINALS = 4;

/** The user's ports of a machine's console, in the order of the file. */
export function resolveConsolePorts(
  configs: readonly ConsolePortConfig[],
  scope: HostScope,
  at: Place,
): readonly ConsolePort[] {
  const places = new Map<string, Place>();
  const ports = configs.flatMap((config, index) => {
    const place = at.child(index);
    const first = places.get(config.name);
    if (first) reportSecond(config.name, place, first);
    else places.set(config.name, place);
    place.isOriginOf(at.path, config.name);
    return resolveConsolePort(config, scope, place) ?? [];
  });
  checkCounts(ports, at);
  return ports;
}

function reportSecond(name: string, place: Place, first: Place): void {
  place.child('name').error('conflict', `two console ports have the name \`${name}\``, {
    related: [{ message: 'the first port is here', span: first.child('name').valueSpan }],
    hint: 'change one of them',
  });
}

function resolveConsolePort(
  { name, socket, tty }: ConsolePortConfig,
  scope: HostScope,
  at: Place,
): ConsolePort | undefined {
  if (/^krun[.-]/.test(name)) {
    at.child('name').error('invalid-value', `the name \`${name}\` is one of krun's or libkrun's own`, {
      hint: 'choose one that does not begin with `krun.` or `krun-`',
    });
  }
  if (socket !== undefined && tty !== undefined) {
    at.child('tty').keyError('conflict', 'a port leads to a socket or to a terminal, not to both', {
      related: [{ message: 'the socket is here', span: at.child('socket').keySpan }],
      hint: 'make two ports of it',
    });
  }
  if (socket !== undefined) {
    const path = resolveHostPath(socket, scope, at.child('socket'));
    checkSocketPath(path, at.child('socket'));
    return { name, kind: 'socket', path };
  }
  if (tty !== undefined)
    return { name, kind: 'terminal', path: resolveHostPath(tty, scope, at.child('tty')) };
  at.error('missing-key', `console port \`${name}\` has neither \`socket\` nor \`tty\``, {
    hint: 'say where it is on the host, such as `socket: ./run/agent.sock`',
  });
  return undefined;
}

function checkCounts(ports: readonly ConsolePort[], at: Place): void {
  if (ports.length > MOST_PORTS) {
    at.keyError('limit', `the machine has ${ports.length} console ports; ${MOST_PORTS} are possible`, {
      hint: 'vsock ports are many: write `vsock`',
    });
  }
  const terminals = ports.filter(({ kind }) => kind === 'terminal').length;
  if (terminals > MOST_TERMINALS) {
    at.keyError('limit', `the machine has ${terminals} ports with \`tty\`; ${MOST_TERMINALS} are possible`, {
      hint: 'Linux has eight terminals of this kind, and krun needs some of them: use `socket` for the others',
    });
  }
}

/** Refuses a console for a kernel that is not told of it. */
export function checkKernelConsole(
  config: ConsoleConfig,
  boot: { readonly kernel?: unknown; readonly firmware?: unknown; readonly cmdline?: unknown } | undefined,
  at: Place,
): void {
  if (config.kernel === undefined || boot === undefined) return;
  const place = at.child('kernel');
  if (boot.firmware !== undefined) {
    place.keyError('conflict', 'a kernel that firmware loads is not told its console by libkrun', {
      hint: "write `console=` into the guest's boot loader, and remove `kernel`",
    });
  } else if (boot.cmdline !== undefined) {
    place.keyError('conflict', '`boot.cmdline` says what the console is', {
      hint: `write \`console=${config.kernel}\` there, and remove \`kernel\` here`,
    });
  }
}

/** A further file for what the machine says. */
export function resolveConsoleLog(
  config: ConsoleConfig | undefined,
  scope: HostScope,
  at: Place,
): Pick<LogSettings, 'consoleFile'> {
  if (config?.log === undefined) return {};
  return { consoleFile: resolveHostPath(config.log, scope, at.child('console', 'log')) };
}

/** The emulated serial port. */
export function resolveSerial(config: SerialConfig, scope: HostScope, at: Place): SerialPort {
  const path = (key: 'log' | 'input'): { [name in typeof key]?: string } => {
    const value = config[key];
    return value === undefined ? {} : { [key]: resolveHostPath(value, scope, at.child(key)) };
  };
  return { ...path('log'), ...path('input') };
}
