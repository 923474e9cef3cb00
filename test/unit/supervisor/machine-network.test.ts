import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { BoundPort } from '../../../src/network/api.ts';
import type { Attachment, InterfaceNetwork, Machine, Network } from '../../../src/project/project.ts';
import { projectLayout } from '../../../src/store/layout.ts';
import type { Endpoint } from '../../../src/store/records.ts';
import { guestNetwork, specNetwork, type NetworkInput } from '../../../src/supervisor/machine-network.ts';
import { memberOf } from '../../../src/supervisor/network-member.ts';
import { nameUuid } from '../../../src/supervisor/name-uuid.ts';
import { machineDefinition, onGvproxy } from '../../support/definitions.ts';

const layout = projectLayout('/p', undefined, { XDG_RUNTIME_DIR: '/run/user/1', HOME: '/home/u' }, 1000);
const programs = mkdtempSync(path.join(os.tmpdir(), 'krun-helpers-'));
afterAll(() => rmSync(programs, { recursive: true }));

function program(name: string): string {
  const file = path.join(programs, name);
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
  return file;
}

const helpers = { passt: program('passt'), 'vmnet-helper': program('vmnet-helper') };
const common: InterfaceNetwork = { name: 'lan', mtu: 1500, offloading: true, dns: [], dnsSearch: [] };

function attach(network: Network, more: Partial<Attachment> = {}): Attachment {
  return { network, mac: network.driver === 'tsi' ? '' : '0a:00:00:00:00:01', aliases: [], ...more };
}

/** The machine with its addresses in the order of its interfaces. */
function input(
  networks: readonly Attachment[],
  ips: readonly (string | undefined)[],
  more: Partial<Machine> & {
    readonly bound?: readonly BoundPort[];
    readonly neighbours?: readonly Machine[];
  } = {},
): NetworkInput {
  const { bound = [], neighbours = [], ...rest } = more;
  const definition = machineDefinition('web', { networks, helpers, ports: bound, ...rest });
  const interfaces = networks
    .filter(({ network }) => network.driver !== 'tsi')
    .map(({ network, mac }, index): Endpoint['interfaces'][number] => {
      const ip = ips[index];
      return { network: network.name, device: `eth${index}`, mac, ...(ip === undefined ? {} : { ip }) };
    });
  return { layout, definition, endpoint: { interfaces, ports: bound }, neighbours };
}

const port: BoundPort = { host: 8080, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' };

describe('gvproxy', () => {
  const one = input([onGvproxy('web', { dnsSearch: ['corp.example'] })], ['192.168.127.9'], {
    bound: [port],
  });

  test("connects to the network's link and locks no port itself", () => {
    expect(specNetwork(one)).toEqual({
      interfaces: [
        {
          mac: onGvproxy('web').mac,
          offloading: false,
          dhcp: false,
          backend: { kind: 'unixstream', path: expect.stringMatching(/^\/run\/user\/1\/krun\/\w+\/l-\w+$/) },
        },
      ],
      hostPorts: [],
    });
  });

  test('is the way out and answers names', () => {
    expect(guestNetwork(one)).toEqual({
      interfaces: [{ device: 'eth0', mtu: 1500, address: '192.168.127.9/24', gateway: '192.168.127.1' }],
      nameservers: ['192.168.127.1'],
      searchDomains: ['krun.internal', 'corp.example'],
      hosts: [],
    });
  });

  test("leaves names to the file's servers", () => {
    const network = guestNetwork(input([onGvproxy('web', { dns: ['1.1.1.1'] })], ['192.168.127.9']));
    expect(network.nameservers).toEqual(['1.1.1.1']);
  });

  test('asks for its address where no script of krun sets it', () => {
    const direct = input([onGvproxy('web')], ['192.168.127.9'], { agent: false });
    expect(specNetwork(direct).interfaces[0]?.dhcp).toBe(true);
  });

  test('is told the names of the machine, each once', () => {
    const attachment = onGvproxy('web', {}, { aliases: ['WWW', 'web'] });
    const { definition, endpoint } = input([attachment], ['192.168.127.9'], {
      hostname: 'Web1',
      bound: [port],
    });
    expect(memberOf(layout, definition, attachment, endpoint)).toMatchObject({
      ip: '192.168.127.9',
      names: ['web', 'web1', 'www'],
      ports: [port],
    });
  });

  test('twice: the first is the way out, and both answer names', () => {
    const both = input(
      [onGvproxy('web'), onGvproxy('web', { name: 'back', subnet: '192.168.128.0/24' })],
      ['192.168.127.9', '192.168.128.9'],
    );
    expect(guestNetwork(both)).toMatchObject({
      interfaces: [
        { device: 'eth0', gateway: '192.168.127.1' },
        { device: 'eth1', address: '192.168.128.9/24' },
      ],
      nameservers: ['192.168.127.1', '192.168.128.1'],
      searchDomains: ['krun.internal'],
    });
    expect(guestNetwork(both).interfaces[1]).not.toHaveProperty('gateway');
  });
});

describe('passt', () => {
  const network: Network = { ...common, driver: 'passt', subnet: '10.5.0.0/24', hostAccess: true };

  test('has the address, the ports and their locks', () => {
    expect(specNetwork(input([attach(network)], ['10.5.0.7'], { bound: [port] }))).toEqual({
      interfaces: [
        {
          mac: '0a:00:00:00:00:01',
          offloading: true,
          dhcp: false,
          backend: {
            kind: 'passt',
            program: helpers.passt,
            address: '10.5.0.7/24',
            gateway: '10.5.0.1',
            mtu: 1500,
            hostAccess: true,
            dns: [],
            dnsSearch: [],
            ports: [port],
          },
        },
      ],
      hostPorts: [{ host: 8080, protocol: 'tcp' }],
    });
  });

  test('reaches the host under the name that it has elsewhere, unless the file says no', () => {
    const open = guestNetwork(input([attach(network)], ['10.5.0.7']));
    expect(open.hosts).toEqual([{ ip: '10.5.0.1', names: ['host.krun.internal'] }]);
    expect(open.nameservers).toEqual(['10.5.0.1']);
    const closed = input([attach({ ...network, hostAccess: false })], ['10.5.0.7']);
    expect(guestNetwork(closed).hosts).toEqual([]);
  });

  test('that is not installed is said with what to do', () => {
    const missing = input([attach(network)], ['10.5.0.7'], { helpers: { passt: '/nowhere/passt' } });
    expect(() => specNetwork(missing)).toThrow('/nowhere/passt does not exist');
  });
});

describe('a network that others address', () => {
  const vmnet: Network = { ...common, driver: 'vmnet', mode: 'shared', isolation: false };

  test('vmnet gives the machine the same identity at each start', () => {
    const [link] = specNetwork(input([attach(vmnet)], [undefined])).interfaces;
    expect(link).toMatchObject({
      dhcp: true,
      backend: { kind: 'vmnet-helper', program: helpers['vmnet-helper'], mode: 'shared', isolation: false },
    });
    expect(link?.backend).toHaveProperty('interfaceId', nameUuid(`${layout.id} lan web`));
  });

  test('has a fixed address where the file gives one, with the mask and gateway of its range', () => {
    const addresses = { start: '192.168.66.1', end: '192.168.66.100', mask: '255.255.255.128' };
    const fixed = attach({ ...vmnet, addresses }, { ip: '192.168.66.5' });
    expect(guestNetwork(input([fixed], ['192.168.66.5'])).interfaces).toEqual([
      { device: 'eth0', mtu: 1500, address: '192.168.66.5/25', gateway: '192.168.66.1' },
    ]);
    const inside = attach({ ...vmnet, addresses, mode: 'host' }, { ip: '192.168.66.5' });
    expect(guestNetwork(input([inside], ['192.168.66.5'])).interfaces[0]).not.toHaveProperty('gateway');
  });

  test('socket_vmnet, unixgram and tap are links of their own', () => {
    const networks: Network[] = [
      { ...common, driver: 'socket_vmnet', socket: '/var/run/socket_vmnet' },
      { ...common, name: 'gram', driver: 'unixgram', socket: '/run/x', vfkitMagic: true },
      { ...common, name: 'tap', driver: 'tap', interface: 'tap0' },
    ];
    const places = networks.map((network) => attach(network));
    const { interfaces } = specNetwork(input(places, []));
    expect(interfaces.map(({ backend }) => backend)).toEqual([
      { kind: 'unixstream', path: '/var/run/socket_vmnet' },
      { kind: 'unixgram', path: '/run/x', vfkitMagic: true },
      { kind: 'tap', interface: 'tap0' },
    ]);
    expect(interfaces.every(({ dhcp }) => dhcp)).toBe(true);
  });

  test("a machine's own tap device is the one that counts", () => {
    const place = attach({ ...common, driver: 'tap', interface: 'tap0' }, { interface: 'tap7' });
    expect(specNetwork(input([place], [])).interfaces[0]?.backend).toEqual({
      kind: 'tap',
      interface: 'tap7',
    });
  });

  test('names machines with a fixed address in the hosts file', () => {
    const tap: Network = { ...common, driver: 'tap', interface: 'tap0' };
    const db = machineDefinition('db', { networks: [attach(tap, { ip: '10.0.0.6', aliases: ['sql'] })] });
    const cache = machineDefinition('cache', { networks: [attach(tap)] });
    const { hosts } = guestNetwork(input([attach(tap)], [undefined], { neighbours: [db, cache] }));
    expect(hosts).toEqual([{ ip: '10.0.0.6', names: ['db', 'db.krun.internal', 'sql'] }]);
  });

  test('of a DHCP server is the way out before one that krun addresses', () => {
    const tap = attach({ ...common, driver: 'tap', interface: 'tap0' });
    const both = guestNetwork(input([tap, onGvproxy('web')], [undefined, '192.168.127.9']));
    expect(both.interfaces).toEqual([
      { device: 'eth0', mtu: 1500 },
      { device: 'eth1', mtu: 1500, address: '192.168.127.9/24' },
    ]);
  });

  test('of mode host leads nowhere, so that another network is the way out', () => {
    const inside = attach({ ...vmnet, mode: 'host' });
    const both = guestNetwork(input([inside, onGvproxy('web')], [undefined, '192.168.127.9']));
    expect(both.interfaces[1]).toMatchObject({ device: 'eth1', gateway: '192.168.127.1' });
  });
});

describe('TSI', () => {
  const tsi: Network = { driver: 'tsi', name: 'default', hijack: ['inet'] };

  test('maps ports, locks them, and reaches the host by name', () => {
    const alone = input([attach(tsi)], [], { bound: [port] });
    expect(specNetwork(alone)).toEqual({
      tsi: { hijack: ['inet'], ports: [{ host: 8080, guest: 80 }] },
      interfaces: [],
      hostPorts: [{ host: 8080, protocol: 'tcp' }],
    });
    expect(guestNetwork(alone).hosts).toEqual([{ ip: '127.0.0.1', names: ['host.krun.internal'] }]);
  });

  test('beside a network that publishes the ports has none', () => {
    const both = input([onGvproxy('web'), attach(tsi)], ['192.168.127.9'], { bound: [port] });
    expect(specNetwork(both)).toMatchObject({ tsi: { ports: [] }, hostPorts: [] });
    expect(guestNetwork(both).hosts).toEqual([]);
  });
});

test('a name has one UUID, and that is of version 5', () => {
  expect(nameUuid('a')).toBe(nameUuid('a'));
  expect(nameUuid('a')).not.toBe(nameUuid('b'));
  expect(nameUuid('a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
