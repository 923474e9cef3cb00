import { dependencyGraph, withNeeds } from './graph.ts';
import { macAddress } from './mac.ts';
import type { Attachment, Devices, Machine, OneOff, Project } from './project.ts';

/** How `krun run` wants its machine. */
export interface OneOffRequest extends Pick<OneOff, 'idle' | 'removed'> {
  /** The machine of krun.yaml that it is like. */
  readonly of: string;
  readonly name: string;
  /** Name that `-p` gave the project. */
  readonly nameOverride?: string | undefined;
  /** Whether its own command has a terminal; as the machine says when absent. */
  readonly tty?: boolean | undefined;
}

/**
 * A project with a machine like one of its own, which it takes the place of, and with what that needs. The others are
 * disabled: they stay as they are.
 */
export function oneOffProject(project: Project, request: OneOffRequest): Project {
  const { of, name } = request;
  const needed = withNeeds(dependencyGraph(project.machines), [of]).filter((each) => each !== of);
  const others = Object.keys(project.machines).filter((each) => !needed.includes(each));
  const original = project.machines[of];
  const kept = [...needed.map((each) => [each, project.machines[each]] as const), [name, original] as const];
  const machines = kept.flatMap(([key, machine]) =>
    machine ? [[key, key === name ? oneOff(project, machine, request) : machine] as const] : [],
  );
  return {
    ...project,
    machines: Object.fromEntries(machines.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    disabledMachines: [...project.disabledMachines, ...others].toSorted(),
  };
}

function oneOff(project: Project, machine: Machine, request: OneOffRequest): Machine {
  const { of, name, idle, removed, tty } = request;
  const { healthcheck, devices, ...rest } = machine;
  return {
    ...rest,
    // Whoever waits for the health of a command that comes in a session waits for ever.
    ...(healthcheck && !idle && { healthcheck }),
    ...(devices && ownDevices(devices)),
    logs: { maxBytes: machine.logs.maxBytes, maxFiles: machine.logs.maxFiles },
    name,
    kind: 'task',
    hostname: machine.hostname === of ? name.slice(0, LONGEST_HOSTNAME) : machine.hostname,
    networks: machine.networks.map((attachment) => ownPlace(project, attachment, request)),
    restart: { policy: 'no' },
    tty: !idle && (tty ?? machine.tty),
    stdinOpen: !idle && machine.stdinOpen,
    stopCommand: idle ? [] : machine.stopCommand,
    watch: [],
    oneOff: { of, idle, removed },
  };
}

/** Sockets and terminals at paths of the host, and what goes into a serial port, are the other machine's, which may run. */
function ownDevices(original: Devices): Pick<Machine, 'devices'> {
  const { vsock = [], consolePorts: _, serial, ...rest } = original;
  const calling = vsock.filter(({ listener }) => listener === 'host');
  const devices: Devices = {
    ...rest,
    ...(calling.length === 0 ? {} : { vsock: calling }),
    ...(serial === undefined ? {} : { serial: {} }),
  };
  return Object.keys(devices).length === 0 ? {} : { devices };
}

/** Linux has 64 bytes for it. */
const LONGEST_HOSTNAME = 64;

/** The address, names and device are those of the other machine, which may run. */
function ownPlace(
  { directory }: Project,
  { network, mac }: Attachment,
  { name, nameOverride }: OneOffRequest,
): Attachment {
  const key = { directory, nameOverride, network: network.name, machine: name };
  return { network, mac: mac === '' ? '' : macAddress(key), aliases: [] };
}
