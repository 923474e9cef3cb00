import { describe, expect, test } from 'vitest';
import type { HostFacts } from '../../../src/project/host-facts.ts';
import type { Network } from '../../../src/project/project.ts';
import { networkNotes } from '../../../src/plan/network-notes.ts';
import { BARE_HOST, hostWith, LINUX_HOST, MAC_HOST } from '../../support/host-facts.ts';
import { attachments, file, valid } from './network-files.ts';
import { resolveText } from './support.ts';

const PASST_HOST = hostWith(['passt']);

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
    const notes = (text: string, host: HostFacts): readonly string[] => {
      const project = valid(text, host);
      return networkNotes(project, Object.values(project.machines));
    };
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
