import { describe, expect, test } from 'vitest';
import type { HostFacts } from '../../../src/project/host-facts.ts';
import { macAddress } from '../../../src/project/mac.ts';
import type { Attachment, Network, Project } from '../../../src/project/project.ts';
import { networkNotes } from '../../../src/plan/network-notes.ts';
import { BARE_HOST, hostWith, LINUX_HOST, MAC_HOST } from '../../support/host-facts.ts';
import { resolveText, webFile } from './support.ts';

const PASST_HOST = hostWith(['passt']);

/** Machines with these keys beside root and command; `networks` is the file's. */
function file(machines: Readonly<Record<string, string>>, networks = ''): string {
  const lines = Object.entries(machines).map(
    ([name, keys]) => `  ${name}: { root: ./r, command: [x]${keys === '' ? '' : `, ${keys}`} }\n`,
  );
  return `machines:\n${lines.join('')}${networks === '' ? '' : `networks: { ${networks} }\n`}`;
}

/** The project of a file in which nothing is wrong. */
function valid(text: string, host: HostFacts = LINUX_HOST): Project {
  const { project, text: told } = resolveText(text, { host });
  if (!project) throw new Error(`the project is not valid:${told}`);
  return project;
}

function attachments(project: Project, machine: string): readonly Attachment[] {
  return project.machines[machine]?.networks ?? [];
}

function networkOf(text: string, host: HostFacts = LINUX_HOST): Network | undefined {
  return attachments(valid(text, host), 'web')[0]?.network;
}

describe('auto', () => {
  const alone = file({ web: '' });
  const published = file({ web: 'ports: ["8080:80"]' });
  const pair = file({ web: '', db: '' });

  test.each<[string, string, HostFacts, string]>([
    ['gvproxy where it is installed', alone, LINUX_HOST, 'gvproxy'],
    ['gvproxy on a Mac', pair, MAC_HOST, 'gvproxy'],
    ['gvproxy where the file names it', `helpers: { gvproxy: ./g }\n${pair}`, BARE_HOST, 'gvproxy'],
    ['passt for a machine alone', published, PASST_HOST, 'passt'],
    [
      'passt for each network of one machine',
      file({ web: 'networks: [a]', db: 'networks: [b]' }, 'a: , b: '),
      PASST_HOST,
      'passt',
    ],
    ['TSI for the only machine', published, BARE_HOST, 'tsi'],
    ['TSI beside machines without network', file({ web: '', db: 'networks: []' }), BARE_HOST, 'tsi'],
  ])('is %s', (_, text, host, driver) => {
    expect(networkOf(text, host)?.driver).toBe(driver);
  });

  test('says what was taken, and why', () => {
    const notes = (text: string, host: HostFacts): readonly string[] => networkNotes(valid(text, host));
    expect(notes(alone, LINUX_HOST)).toEqual(['network default: gvproxy (auto: it is installed)']);
    expect(notes(published, PASST_HOST)).toEqual([
      'network default: passt (auto: gvproxy is not installed, and one machine needs no switch)',
    ]);
    expect(notes(published, BARE_HOST)).toEqual([
      'network default: tsi (auto: neither gvproxy nor passt is installed, and no other machine has a network)',
    ]);
    expect(notes(`helpers: { gvproxy: ./g }\n${alone}`, BARE_HOST)).toEqual([
      'network default: gvproxy (auto: the file names the program)',
    ]);
    expect(notes(file({ web: '' }, 'default: { driver: gvproxy }'), LINUX_HOST)).toEqual([]);
  });

  test('warns where TSI opens the ports of the host', () => {
    expect(resolveText(alone, { host: BARE_HOST }).text).toMatchInlineSnapshot(`
      "
      2:3 warning network-exposure: TSI carries the network (auto: neither gvproxy nor passt is installed, and no other machine has a network): every port on which the guest of \`web\` listens is open on the host, at the address that the guest binds
          hint: let programs in the guest bind 127.0.0.1, unless others shall reach them
      "
    `);
  });

  test('is no network for machines that do not ask for one, and a warning', () => {
    const { project, text } = resolveText(pair, { host: PASST_HOST });
    expect(attachments(project ?? valid(pair), 'web')).toEqual([]);
    expect(project?.networks).toEqual({});
    expect(text).toMatchInlineSnapshot(`
      "
      3:3 warning capability: \`db\` and 1 other machine have no network: gvproxy is not installed, which krun needs for networks of several machines
          hint: install it: \`sudo apt install gvproxy\`; or name the program in KRUN_GVPROXY; \`networks: []\` says that none is needed
      "
    `);
  });

  test.each<[string, string]>([
    ['a second machine with ports', file({ web: 'ports: ["8080:80"]', db: '' })],
    ['a network that is named', file({ web: 'networks: [default]', db: '' })],
    ['a network that is written', file({ web: '', db: '' }, 'default: ')],
    ['options that TSI has not', file({ web: '' }, 'default: { host_access: false }')],
    ['an address of its own', file({ web: 'networks: { default: { ip: 192.168.127.9 } }' })],
    ['UDP', file({ web: 'ports: ["53:53/udp"]' })],
    ['an address of the host', file({ web: 'ports: ["127.0.0.1:8080:80"]' })],
    ['a socket of the host', file({ web: 'ports: [{ socket: ./s, guest: 80 }]' })],
  ])('is a mistake without helpers for %s', (_, text) => {
    expect(resolveText(text, { host: BARE_HOST }).text).toContain(
      'error capability: gvproxy is not installed',
    );
  });

  test('does not pass over a program that the environment names wrongly', () => {
    const host = hostWith(['passt']);
    const gvproxy = { kind: 'unusable', message: 'gvproxy: /x does not exist', hint: 'correct it' } as const;
    const { text } = resolveText(published, { host: { ...host, helpers: { ...host.helpers, gvproxy } } });
    expect(text).toContain('error capability: gvproxy: /x does not exist: network `default` needs it');
  });
});

describe('a network', () => {
  test.each<[string, HostFacts, Network]>([
    [
      'driver: gvproxy, subnet: 10.0.0.0/24, host_access: "false", dns: [1.1.1.1], dns_search: [Corp.Example.]',
      LINUX_HOST,
      {
        driver: 'gvproxy',
        name: 'default',
        subnet: '10.0.0.0/24',
        mtu: 1500,
        offloading: false,
        hostAccess: false,
        dns: ['1.1.1.1'],
        dnsSearch: ['corp.example'],
      },
    ],
    [
      'driver: passt',
      LINUX_HOST,
      {
        driver: 'passt',
        name: 'default',
        subnet: '192.168.127.0/24',
        mtu: 65_520,
        offloading: true,
        hostAccess: true,
        dns: [],
        dnsSearch: [],
      },
    ],
    [
      'driver: tap, interface: tap0, subnet: 10.0.0.0/24, gateway: 10.0.0.1, mtu: "1400"',
      LINUX_HOST,
      {
        driver: 'tap',
        name: 'default',
        interface: 'tap0',
        subnet: '10.0.0.0/24',
        gateway: '10.0.0.1',
        mtu: 1400,
        offloading: false,
        dns: [],
        dnsSearch: [],
      },
    ],
    [
      'driver: unixstream, socket: ./s.sock, offloading: true, mtu: 4000, dns: ["2606:4700:4700:0::1111"]',
      LINUX_HOST,
      {
        driver: 'unixstream',
        name: 'default',
        socket: '/p/s.sock',
        mtu: 4000,
        offloading: true,
        dns: ['2606:4700:4700::1111'],
        dnsSearch: [],
        vfkitMagic: false,
      },
    ],
    [
      'driver: unixgram, socket: ~/s.sock, vfkit_magic: true',
      MAC_HOST,
      {
        driver: 'unixgram',
        name: 'default',
        socket: '/home/u/s.sock',
        mtu: 1500,
        offloading: false,
        dns: [],
        dnsSearch: [],
        vfkitMagic: true,
      },
    ],
    [
      'driver: vmnet, start_address: 192.168.105.1, end_address: 192.168.105.99, subnet_mask: 255.255.255.0, isolation: true',
      MAC_HOST,
      {
        driver: 'vmnet',
        name: 'default',
        mode: 'shared',
        isolation: true,
        addresses: { start: '192.168.105.1', end: '192.168.105.99', mask: '255.255.255.0' },
        mtu: 1500,
        offloading: false,
        dns: [],
        dnsSearch: [],
      },
    ],
    [
      'driver: socket_vmnet',
      { ...MAC_HOST, socketVmnet: '/opt/homebrew/var/run/socket_vmnet' },
      {
        driver: 'socket_vmnet',
        name: 'default',
        socket: '/opt/homebrew/var/run/socket_vmnet',
        mtu: 1500,
        offloading: false,
        dns: [],
        dnsSearch: [],
      },
    ],
    [
      'driver: tsi, hijack: [unix, inet, unix]',
      LINUX_HOST,
      { driver: 'tsi', name: 'default', hijack: ['inet', 'unix'] },
    ],
  ])('with %s', (options, host, expected) => {
    expect(networkOf(file({ web: '' }, `default: { ${options} }`), host)).toEqual(expected);
  });

  test('without offloading has no packets that a guest cannot receive, unless the file insists', () => {
    const passt = networkOf(file({ web: '' }, 'default: { driver: passt, offloading: false }'));
    expect(passt).toMatchObject({ mtu: 1500, offloading: false });
    expect(resolveText(file({ web: '' }, 'default: { mtu: 4000 }')).text).toMatchInlineSnapshot(`
      "
      3:29 warning limit: without offloading a guest receives no packets above 1500 bytes
          hint: write \`offloading: true\`, or leave \`mtu\` out
      "
    `);
    expect(networkOf(file({ web: '' }, 'default: { mtu: 4000, offloading: true }'))).toMatchObject({
      mtu: 4000,
    });
  });

  test('that no machine is on is not looked at, and not carried', () => {
    const project = valid(file({ web: '' }, 'lan: { driver: vmnet }, open: { driver: tsi }'));
    expect(project.networks).toEqual({ default: { driver: 'gvproxy', why: 'auto: it is installed' } });
  });

  test('is nothing under `driver: none`, also for TSI', () => {
    expect(attachments(valid(file({ web: '' }, 'default: { driver: none }')), 'web')).toEqual([]);
    expect(attachments(valid(file({ web: 'networks: []' })), 'web')).toEqual([]);
    expect(attachments(valid(file({ web: 'networks: {}' })), 'web')).toEqual([]);
  });
});

describe('subnets', () => {
  function subnets(text: string): Readonly<Record<string, string>> {
    const networks = Object.values(valid(text).machines).flatMap((machine) =>
      machine.networks.map(({ network }) => network),
    );
    return Object.fromEntries(
      networks.map((network) => [network.name, 'subnet' in network ? network.subnet : '']),
    );
  }

  test('are one for networks that never meet, and differ in the order of the file for those of one machine', () => {
    expect(subnets(file({ a: 'networks: [x]', b: 'networks: [y]' }, 'x: , y: '))).toEqual({
      x: '192.168.127.0/24',
      y: '192.168.127.0/24',
    });
    expect(subnets(file({ web: 'networks: [z, default, y]' }, 'y: , z: '))).toEqual({
      default: '192.168.127.0/24',
      y: '192.168.128.0/24',
      z: '192.168.129.0/24',
    });
  });

  test('leave out what the file gives to neighbours', () => {
    const networks = 'x: , y: { subnet: 192.168.126.0/23 }, z: { subnet: 192.168.0.0/16 }';
    expect(subnets(file({ a: 'networks: [x, y]', b: 'networks: [z]' }, networks))).toEqual({
      x: '192.168.128.0/24',
      y: '192.168.126.0/23',
      z: '192.168.0.0/16',
    });
  });

  test('do not move when a profile brings another machine', () => {
    const text = file({ web: 'networks: [x]', debug: 'profiles: [debug], networks: [x, y]' }, 'y: , x: ');
    const with_ = resolveText(text, { profiles: ['debug'] }).project;
    expect(resolveText(text).project?.machines['web']).toEqual(with_?.machines['web']);
    expect(with_?.machines['web']?.networks[0]?.network).toMatchObject({ subnet: '192.168.128.0/24' });
  });
});

describe('an interface', () => {
  test('has a MAC address that stays, is local, and differs for each machine, network and project', () => {
    const key = { directory: '/p', network: 'default', machine: 'web' };
    const others = [
      { ...key, directory: '/q' },
      { ...key, network: 'back' },
      { ...key, machine: 'db' },
      { ...key, nameOverride: 'copy' },
    ];
    const macs = [key, ...others].map(macAddress);
    expect(new Set(macs).size).toBe(macs.length);
    expect(macAddress({ ...key })).toBe(macs[0]);
    const many = Array.from({ length: 500 }, (_, index) => macAddress({ ...key, machine: `m${index}` }));
    for (const mac of many) {
      expect(mac).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
      expect(mac).not.toMatch(/^(52:54:00|5a:94:ef)/);
    }
    expect(attachments(valid(webFile()), 'web')[0]?.mac).toBe(macs[0]);
  });

  test('has what the file gives it', () => {
    const options =
      '{ mac: "52:54:00:AB:CD:EF", ip: 192.168.127.9, aliases: [API, www.shop, api, x.krun.internal] }';
    expect(attachments(valid(file({ web: `networks: { default: ${options} }` })), 'web')[0]).toMatchObject({
      mac: '52:54:00:ab:cd:ef',
      ip: '192.168.127.9',
      aliases: ['api', 'www.shop', 'x'],
    });
  });

  test('is that of the machine on a tap network, where it has its own', () => {
    const networks = 'lan: { driver: tap, interface: tap0 }';
    const text = file({ web: 'networks: [lan]', db: 'networks: { lan: { interface: tap1 } }' }, networks);
    expect(attachments(valid(text), 'web')[0]).toMatchObject({ network: { interface: 'tap0' } });
    expect(attachments(valid(text), 'web')[0]?.interface).toBeUndefined();
    expect(attachments(valid(text), 'db')[0]?.interface).toBe('tap1');
  });

  test('comes in the order in which the machine names its networks', () => {
    const text = file({ web: 'networks: [z, a]' }, 'a: , z: ');
    expect(attachments(valid(text), 'web').map(({ network }) => network.name)).toEqual(['z', 'a']);
  });

  test('may have an address beside the range of vmnet, and better not in it', () => {
    const options =
      'driver: vmnet, start_address: 10.0.0.1, end_address: 10.0.0.99, subnet_mask: 255.255.255.0';
    const text = (ip: string): string =>
      resolveText(file({ web: `networks: { lan: { ip: ${ip} } }` }, `lan: { ${options} }`), {
        host: MAC_HOST,
      }).text;
    expect(text('10.0.0.100')).toBe('\n\n');
    expect(text('10.0.0.9')).toMatchInlineSnapshot(`
      "
      2:58 warning conflict: macOS may give 10.0.0.9 to another machine
          hint: write an address after \`end_address\`, which is 10.0.0.99
      "
    `);
  });
});

test('programs that the file names are absolute, in every machine', () => {
  const { machines } = valid(`helpers: { gvproxy: ./g, passt: ~/p }\n${file({ a: '', b: '' })}`);
  expect(machines['a']?.helpers).toEqual({ gvproxy: '/p/g', passt: '/home/u/p' });
  expect(machines['b']?.helpers).toEqual(machines['a']?.helpers);
});

test('twenty machines on one network are no trouble', () => {
  const names = Array.from({ length: 20 }, (_, index) => `m${index}`);
  const project = valid(file(Object.fromEntries(names.map((name) => [name, '']))));
  expect(Object.keys(project.machines)).toHaveLength(20);
  expect(project.networks).toEqual({ default: { driver: 'gvproxy', why: 'auto: it is installed' } });
});
