import { describe, expect, test } from 'vitest';
import type { BoundPort } from '../../../src/network/api.ts';
import type { Attachment, Machine, Port } from '../../../src/project/project.ts';
import { newRecord, type Leases, type MachineRecord } from '../../../src/store/records.ts';
import { ActionFailure } from '../../../src/supervisor/failure.ts';
import { chooseAddress, withAddress } from '../../../src/supervisor/lease-addresses.ts';
import { bindPorts, withPorts, type PortQuestion } from '../../../src/supervisor/lease-ports.ts';
import { machineDefinition, onGvproxy } from '../../support/definitions.ts';

type Addresses = Leases['addresses'];

function record(definition: Machine, more: Partial<MachineRecord> = {}): MachineRecord {
  return { ...newRecord(definition, 'hash', '2026-11-20T10:00:00.000Z'), ...more };
}

function on(name: string, attachment: Partial<Attachment> = {}): MachineRecord {
  return record(machineDefinition(name, { networks: [onGvproxy(name, {}, attachment)] }));
}

/** A machine that runs with an address. */
function running(name: string, ip: string): MachineRecord {
  const interfaces = [{ network: 'default', device: 'eth0', mac: 'aa:bb:cc:dd:ee:ff', ip }];
  return {
    ...on(name),
    state: { status: 'running', run: 1, since: '2026-11-20T10:00:00.000Z' },
    endpoint: { interfaces, ports: [] },
  };
}

function address(
  machine: string,
  leased: Addresses = {},
  others: readonly MachineRecord[] = [],
  attachment: Attachment = onGvproxy(machine),
): string | undefined {
  return chooseAddress({ machine, attachment, leased, others });
}

describe('an address', () => {
  test('depends on nothing but network and machine while nothing is in its way', () => {
    expect(address('web')).toBe(address('web'));
    expect(address('web')).not.toBe(address('db'));
    expect(address('web')).toMatch(/^192\.168\.127\.\d+$/);
  });

  test('is the one that the machine had, even where its name now leads elsewhere', () => {
    expect(address('web', { default: { web: '192.168.127.77' } })).toBe('192.168.127.77');
  });

  test('is the next free one where another machine has it', () => {
    const taken = address('web') ?? '';
    const last = Number(taken.split('.')[3]);
    const next = last === 253 ? 2 : last + 1;
    expect(address('web', { default: { db: taken } })).toBe(`192.168.127.${next}`);
  });

  test('of the file wins over a kept one, whose machine gets another', () => {
    const fixed = onGvproxy('db', {}, { ip: '192.168.127.9' });
    const leased = { default: { web: '192.168.127.9' } };
    expect(address('db', leased, [on('web')], fixed)).toBe('192.168.127.9');
    expect(withAddress(leased, 'default', 'db', '192.168.127.9')).toEqual({
      default: { db: '192.168.127.9' },
    });
    const moved = address('web', leased, [on('db', { ip: '192.168.127.9' })]);
    expect(moved).toMatch(/^192\.168\.127\.(?!9$)\d+$/);
  });

  test('of the file is refused while another machine runs with it', () => {
    const fixed = onGvproxy('db', {}, { ip: '192.168.127.9' });
    expect(() => address('db', {}, [running('web', '192.168.127.9')], fixed)).toThrow(
      new ActionFailure(
        'machine db cannot have 192.168.127.9 on network default while machine web runs with it',
        'let web take another address: krun restart web',
      ),
    );
  });

  test('that was kept in another subnet is given up', () => {
    const other = onGvproxy('web', { subnet: '10.7.0.0/24' });
    expect(address('web', { default: { web: '192.168.127.9' } }, [], other)).toMatch(/^10\.7\.0\.\d+$/);
  });

  test('is taken from a machine that is not there when no other is left, and missed when all are there', () => {
    // .2 to .5 are for machines.
    const small = onGvproxy('e', { subnet: '10.7.0.0/29' });
    const leased = { default: { a: '10.7.0.2', b: '10.7.0.3', c: '10.7.0.4', d: '10.7.0.5' } };
    const others = ['a', 'b', 'c'].map((name, index) => running(name, `10.7.0.${index + 2}`));
    expect(address('e', leased, others, small)).toBe('10.7.0.5');
    expect(withAddress(leased, 'default', 'e', '10.7.0.5')['default']).toEqual({
      a: '10.7.0.2',
      b: '10.7.0.3',
      c: '10.7.0.4',
      e: '10.7.0.5',
    });
    expect(() => address('e', leased, [...others, running('d', '10.7.0.5')], small)).toThrow(
      'network default has no free address for machine e',
    );
  });

  test('is each one different for all machines of a full network', () => {
    let leased: Addresses = {};
    for (let index = 0; index < 252; index += 1) {
      const name = `m${index}`;
      leased = withAddress(leased, 'default', name, address(name, leased) ?? '');
    }
    expect(new Set(Object.values(leased['default'] ?? {})).size).toBe(252);
  });

  test('is nobody here to give where a DHCP server outside of krun decides', () => {
    const tap = { driver: 'tap', name: 'lan', mtu: 1500, offloading: false, dns: [], dnsSearch: [] } as const;
    const attachment = { network: tap, mac: 'aa:bb:cc:dd:ee:ff', aliases: [] };
    expect(address('web', {}, [], attachment)).toBeUndefined();
    expect(address('web', {}, [], { ...attachment, ip: '10.0.0.5' })).toBe('10.0.0.5');
  });
});

describe('a port that krun chooses', () => {
  const auto: Port = { host: 'auto', hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' };

  function question(more: Partial<PortQuestion> = {}): PortQuestion {
    return {
      project: 'p',
      machine: 'web',
      ports: [auto],
      leased: {},
      others: [],
      held: [],
      isFree: () => Promise.resolve(true),
      ...more,
    };
  }

  async function hosts(more: Partial<PortQuestion> = {}): Promise<readonly number[]> {
    const bound = await bindPorts(question(more));
    return bound.map((port) => ('host' in port ? port.host : 0));
  }

  test('is the same each time, and remembered', async () => {
    const [first] = await hosts();
    expect(await hosts()).toEqual([first]);
    expect(first).toBeGreaterThanOrEqual(20_000);
    const bound = await bindPorts(question());
    expect(withPorts({}, 'web', [auto], bound)).toEqual({ 'web/tcp/80': first });
    expect(await hosts({ leased: { 'web/tcp/80': 23_456 } })).toEqual([23_456]);
  });

  test('is another where somebody listens on it, but not where that is the machine itself', async () => {
    const leased = { 'web/tcp/80': 23_456 };
    const isFree = (port: number): Promise<boolean> => Promise.resolve(port !== 23_456);
    expect(await hosts({ leased, isFree })).not.toEqual([23_456]);
    const held: BoundPort[] = [{ host: 23_456, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' }];
    expect(await hosts({ leased, isFree, held })).toEqual([23_456]);
  });

  test('is none that another machine publishes, or has kept', async () => {
    const [first = 0] = await hosts();
    const other = record(machineDefinition('db', { ports: [{ ...auto, host: first }] }));
    const [second = 0] = await hosts({ others: [other] });
    expect(second).not.toBe(first);
    expect(await hosts({ others: [other], leased: { 'cache/tcp/80': second } })).not.toContain(second);
  });

  test('leaves the numbers of the file alone', async () => {
    const fixed: Port = { ...auto, host: 8080, guest: 8080 };
    const socket: Port = { socket: '/p/web.sock', guest: 80, protocol: 'tcp' };
    expect(await bindPorts(question({ ports: [fixed, socket] }))).toEqual([fixed, socket]);
  });
});
