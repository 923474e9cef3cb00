import { macAddress } from '../../src/project/mac.ts';
import type { Attachment, GvproxyNetwork, Machine, Port, Project } from '../../src/project/project.ts';

/** A machine with every default, as resolving makes it. */
export function machineDefinition(name: string, more: Partial<Machine> = {}): Machine {
  return {
    name,
    kind: 'service',
    cpus: 1,
    memoryMiB: 512,
    root: { kind: 'directory', path: `/p/${name}` },
    command: ['/bin/app'],
    environment: {},
    workingDir: '/',
    tty: false,
    stdinOpen: false,
    hostname: name,
    rlimits: [],
    disks: [],
    shares: [],
    networks: [],
    ports: [],
    secrets: [],
    configs: [],
    dependsOn: {},
    restart: { policy: 'no' },
    stopSignal: 'SIGTERM',
    stopGracePeriodMs: 10_000,
    stopCommand: [],
    bootTimeoutMs: 60_000,
    agent: true,
    logs: { maxBytes: 10 * 1024 ** 2, maxFiles: 3 },
    libkrun: { logLevel: 'warn' },
    watch: [],
    helpers: {},
    ...more,
  };
}

export function projectOf(machines: readonly Machine[], more: Partial<Project> = {}): Project {
  return {
    name: 'shop',
    directory: '/p',
    files: ['/p/krun.yaml'],
    libkrun: { logLevel: 'warn' },
    machines: Object.fromEntries(machines.map((machine) => [machine.name, machine])),
    disabledMachines: [],
    disks: {},
    networks: {},
    origins: {},
    ...more,
  };
}

/** The network of a machine that publishes ports through TSI. */
export function tsi(...ports: readonly Port[]): {
  readonly networks: readonly Attachment[];
  readonly ports: readonly Port[];
} {
  const network = { driver: 'tsi', name: 'default', hijack: ['inet'] } as const;
  return { networks: [{ network, mac: '', aliases: [] }], ports };
}

/** A machine's place on a network that krun switches; `more` changes the network. */
export function onGvproxy(
  machine: string,
  more: Partial<GvproxyNetwork> = {},
  attachment: Partial<Attachment> = {},
): Attachment {
  const network: GvproxyNetwork = {
    driver: 'gvproxy',
    name: 'default',
    mtu: 1500,
    offloading: false,
    dns: [],
    dnsSearch: [],
    subnet: '192.168.127.0/24',
    hostAccess: true,
    ...more,
  };
  const mac = macAddress({ directory: '/p', network: network.name, machine });
  return { network, mac, aliases: [], ...attachment };
}
