import { describe, expect, test } from 'vitest';
import { machineDifferences, needsRecreate } from '../../../src/plan/differences.ts';
import { isSameMachine, machineHash } from '../../../src/project/hash.ts';
import type { Machine } from '../../../src/project/project.ts';
import { LINUX_HOST } from '../../support/host-facts.ts';
import { resolveText } from '../project/support.ts';

/** What is told between two files of one machine, each line with whether it needs a new one. */
function told(before: string, after: string): string[] {
  const [from, to] = [machineOf(before), machineOf(after)];
  const differences = machineDifferences(from.machine, to.machine, to.origins);
  const isSame = isSameMachine(
    { hash: machineHash(from.machine), definition: from.machine },
    machineHash(to.machine),
  );
  // The plan recreates by the hash and tells the cause by the differences: they must agree.
  expect(differences.some(needsRecreate)).toBe(!isSame);
  return differences.map((one) => `${needsRecreate(one) ? 'recreate' : 'update'}: ${one.text}`);
}

function machineOf(rest: string): { machine: Machine; origins: Readonly<Record<string, string>> } {
  const { project, text } = resolveText(`machines:\n  web:\n    root: ./r\n    command: [x]\n${rest}`, {
    host: LINUX_HOST,
  });
  const machine = project?.machines['web'];
  if (!project || !machine) throw new Error(`the project is not valid:${text}`);
  return { machine, origins: project.origins };
}

const on = (networks: string, ...keys: string[]): string =>
  `${keys.map((key) => `    ${key}\n`).join('')}networks:\n${networks
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('')}`;

describe('a change of a network is told under its key, with its line', () => {
  const gvproxy = 'default: { driver: gvproxy }';
  test.each<[string, string, string[]]>([
    [
      on('default: { driver: gvproxy, offloading: true }'),
      on('default:\n  offloading: true\n  mtu: 4000'),
      ['recreate: network default: mtu changed 1500 -> 4000 (krun.yaml:8)'],
    ],
    [
      on(gvproxy),
      on('default: { driver: tsi }'),
      ['recreate: network default: driver changed gvproxy -> tsi (krun.yaml:6)'],
    ],
    [
      on(gvproxy),
      on('default: { dns: [1.1.1.1, 9.9.9.9], host_access: false, subnet: 10.0.0.0/24 }'),
      [
        'recreate: network default: dns changed none -> 1.1.1.1, 9.9.9.9 (krun.yaml:6)',
        'recreate: network default: host_access changed on -> off (krun.yaml:6)',
        'recreate: network default: subnet changed 192.168.127.0/24 -> 10.0.0.0/24 (krun.yaml:6)',
      ],
    ],
    [
      on('back:', 'networks: [default]'),
      on('back:', 'networks:', '  - default', '  - back'),
      ['recreate: network back added (krun.yaml:7)'],
    ],
    [
      on('back:', 'networks: [default, back]'),
      on('back:', 'networks: [default]'),
      ['recreate: network back removed (krun.yaml:5)'],
    ],
    [
      on('back: { subnet: 10.0.0.0/24 }', 'networks: [default, back]'),
      on('back: { subnet: 10.0.0.0/24 }', 'networks: [back, default]'),
      ['recreate: order of networks changed (krun.yaml:5)'],
    ],
    [
      on(gvproxy),
      on(gvproxy, 'networks: { default: { ip: 192.168.127.9 } }'),
      ["recreate: network default: ip changed krun's choice -> 192.168.127.9 (krun.yaml:5)"],
    ],
    [
      on(gvproxy, 'networks: { default: { mac: "52:54:00:00:00:01" } }'),
      on(gvproxy, 'networks: { default: { mac: "52:54:00:00:00:02" } }'),
      ['recreate: network default: mac changed 52:54:00:00:00:01 -> 52:54:00:00:00:02 (krun.yaml:5)'],
    ],
    [
      on('lan: { driver: tap, interface: tap0 }', 'networks: [lan]'),
      on('lan: { driver: tap, interface: tap1 }', 'networks: { lan: { interface: tap2 } }'),
      [
        'recreate: network lan: interface changed tap0 -> tap1 (krun.yaml:7)',
        'recreate: network lan: interface changed none -> tap2 (krun.yaml:5)',
      ],
    ],
  ])('case %#', (before, after, expected) => {
    expect(told(before, after)).toEqual(expected);
  });
});

describe('what a network process changes while the machine runs needs no new one', () => {
  const ports = (text: string, driver = 'gvproxy'): string =>
    on(`default: { driver: ${driver} }`, `ports: [${text}]`);

  test('ports under gvproxy', () => {
    expect(told(ports('"8080:80", "8081:81"'), ports('"8080:80", "0.0.0.0:53:53/udp"'))).toEqual([
      'update: port 0.0.0.0:53:53/udp added (krun.yaml:5)',
      'update: port 8081:81/tcp removed (krun.yaml:5)',
    ]);
    expect(told(ports('"8080:80"'), ports('{ host: 8080, guest: 80, name: http }'))).toEqual([
      'update: name of port 8080:80/tcp changed no name -> http (krun.yaml:5)',
    ]);
    expect(told(on('default: { driver: gvproxy }'), ports('80'))).toEqual([
      'update: port auto:80/tcp added (krun.yaml:5)',
    ]);
  });

  test('but ports under passt and TSI', () => {
    for (const driver of ['passt', 'tsi']) {
      expect(told(ports('"8080:80"', driver), ports('"8081:80"', driver))).toEqual([
        'recreate: port 8080:80/tcp removed (krun.yaml:5)',
        'recreate: port 8081:80/tcp added (krun.yaml:5)',
      ]);
      expect(told(ports('"8080:80"', driver), ports('{ host: 8080, guest: 80, name: web }', driver))).toEqual(
        ['update: name of port 8080:80/tcp changed no name -> web (krun.yaml:5)'],
      );
    }
  });

  test('aliases', () => {
    const aliases = (text: string): string => on('default:', `networks: { default: { aliases: [${text}] } }`);
    expect(told(aliases('api, www'), aliases('www, shop'))).toEqual([
      'update: network default: alias shop added (krun.yaml:5)',
      'update: network default: alias api removed (krun.yaml:5)',
    ]);
    expect(told(aliases('api, www'), aliases('www, api'))).toEqual([]);
  });

  test('programs', () => {
    expect(told('', 'helpers: { gvproxy: /x/gvproxy }\n')).toEqual(['update: helpers changed']);
  });
});
