import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../src/host/identity.ts';
import type { MachineSpec } from '../../src/machine/spec.ts';
import type { Machine, UnixNetwork } from '../../src/project/project.ts';
import { machineLayout, runLayout } from '../../src/store/layout.ts';
import { onGvproxy, tsi } from '../support/definitions.ts';
import { GVPROXY_VERSIONS, gvproxyPath, programPath } from './support/helpers.ts';
import { networkIdentity, networkState } from './support/networks.ts';
import { kill, SupervisedProject } from './support/supervised.ts';

const FOREVER = 'while :; do sleep 0.1; done';
const gvproxy = gvproxyPath('0.8.9');

async function machineSpec({ layout }: SupervisedProject, machine: string, run = 1): Promise<MachineSpec> {
  const { specFile } = runLayout(machineLayout(layout, machine), run);
  return JSON.parse(await readFile(specFile, 'utf8')) as MachineSpec;
}

function createProject(program = gvproxy): Promise<SupervisedProject> {
  return SupervisedProject.create(program === undefined ? {} : { KRUN_GVPROXY: program });
}

/** A machine on a gvproxy network. */
function machineOn(project: SupervisedProject, name: string, more: Partial<Machine> = {}): Promise<Machine> {
  return project.machine(name, FOREVER, { networks: [onGvproxy(name)], ...more });
}

async function existing<T>(value: Promise<T | undefined>): Promise<T> {
  const found = await value;
  if (found === undefined) throw new Error('it does not exist');
  return found;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.each(GVPROXY_VERSIONS)('with gvproxy %s', (version) => {
  const program = gvproxyPath(version);

  test.skipIf(!program)('a network comes up with its first machine and is gone after its last', async () => {
    await using project = await createProject(program);
    const port = await freePort();
    const machines = [
      await machineOn(project, 'web', {
        ports: [{ host: port, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' }],
      }),
      await machineOn(project, 'db'),
    ];
    await project.done(project.up(machines));
    const state = await networkState(project);
    expect(state).toMatchObject({ run: 1, status: 'ready' });
    expect(Object.keys(state.members).toSorted()).toEqual(['db', 'web']);
    expect(state.members['web']).toMatchObject({
      connected: true,
      names: ['web'],
      ports: [{ host: port, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' }],
    });
    const { guest, network } = await machineSpec(project, 'web');
    const ip = state.members['web']?.ip;
    expect(network.interfaces).toMatchObject([{ mac: state.members['web']?.mac, dhcp: false }]);
    expect(guest).toMatchObject({
      network: {
        interfaces: [{ device: 'eth0', mtu: 1500, address: `${ip}/24`, gateway: '192.168.127.1' }],
        nameservers: ['192.168.127.1'],
        searchDomains: ['krun.internal'],
      },
    });
    expect((await project.record('web'))?.endpoint?.interfaces).toMatchObject([{ network: 'default', ip }]);
    await project.done({ type: 'stop', machines: ['web'] });
    expect(Object.keys((await networkState(project)).members)).toEqual(['db']);
    const identity = await existing(networkIdentity(project, 'default'));
    await project.done({ type: 'stop', machines: ['db'] });
    expect(isAlive(identity)).toBe(false);
    await project.done(project.down());
    await project.untilNoProcess();
    expect(readdirSync(project.layout.networksDirectory)).toEqual([]);
    expect(
      existsSync(project.layout.runtimeDirectory) && readdirSync(project.layout.runtimeDirectory),
    ).toEqual([]);
  });
});

const when = test.skipIf(!gvproxy);

when('a killed network process fails the machines on it, and their policy starts both again', async () => {
  await using project = await createProject();
  const port = await freePort();
  const web = await machineOn(project, 'web', {
    restart: { policy: 'always' },
    ports: [{ host: port, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' }],
  });
  const db = await machineOn(project, 'db');
  const alone = await project.machine('alone', FOREVER);
  await project.done(project.up([web, db, alone]));
  const before = await networkState(project);
  const aloneBefore = await project.identity('alone');
  kill((await existing(networkIdentity(project, 'default'))).pid, 'SIGKILL');
  const reason = 'the network process of default ended (SIGKILL)';
  const failed = await project.untilState('db', ({ status }) => status === 'failed');
  expect(failed.state).toMatchObject({ status: 'failed', reason });
  const again = await project.untilState(
    'web',
    ({ status, ...more }) => status === 'running' && 'run' in more && more.run === 2,
  );
  expect(again.restarts).toBe(1);
  const after = await networkState(project);
  expect(after).toMatchObject({ run: 2, status: 'ready' });
  expect(Object.keys(after.members)).toEqual(['web']);
  expect(after.members['web']).toMatchObject({
    connected: true,
    ip: before.members['web']?.ip,
    ports: web.ports,
  });
  expect(await project.identity('alone')).toEqual(aloneBefore);
  expect(existsSync(`/proc/${before.helper?.pid}/exe`)).toBe(false);
});

when('a network process outlives its supervisor, and the next supervisor takes it over', async () => {
  await using project = await createProject();
  const machines = [await machineOn(project, 'web'), await machineOn(project, 'db')];
  await project.done(project.up(machines));
  const before = await existing(networkIdentity(project, 'default'));
  kill((await project.supervisor()).version.pid, 'SIGKILL');
  // Nobody was there to see its end.
  kill((await project.identity('db')).pid, 'SIGKILL');
  await expect.poll(async () => (await networkState(project)).members['db']?.connected).toBe(false);
  await project.supervisor();
  expect(await existing(networkIdentity(project, 'default'))).toEqual(before);
  expect(Object.keys((await networkState(project)).members)).toEqual(['web']);
  await project.done({ type: 'stop', machines: [] });
  await expect.poll(() => isAlive(before)).toBe(false);
});

when(
  'a network process that ended while no supervisor was there has cost its machines their links',
  async () => {
    await using project = await createProject();
    await project.done(project.up([await machineOn(project, 'web')]));
    kill((await project.supervisor()).version.pid, 'SIGKILL');
    const network = await existing(networkIdentity(project, 'default'));
    kill(network.pid, 'SIGKILL');
    await expect.poll(() => isAlive(network)).toBe(false);
    await project.supervisor();
    const { state } = await project.untilState('web', ({ status }) => status === 'failed');
    expect(state).toMatchObject({ reason: 'the network process of default ended' });
  },
);

when('ports change while the machine runs, and a refused change leaves what was', async () => {
  await using project = await createProject();
  const [first, second] = [await freePort(), await freePort()];
  const published = (...hosts: number[]): Machine['ports'] =>
    hosts.map((host) => ({ host, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' }));
  const web = await machineOn(project, 'web', { ports: published(first) });
  await project.done(project.up([web]));
  const before = await project.identity('web');
  const changed = { ...web, ports: published(second) };
  const events = await project.done(project.up([changed]));
  const plan = events.find((event) => event.type === 'plan');
  expect(plan?.nodes.map(({ action }) => action.type)).toEqual(['update']);
  expect(await project.identity('web')).toEqual(before);
  expect((await networkState(project)).members['web']?.ports).toEqual(changed.ports);
  expect((await project.record('web'))?.endpoint?.ports).toEqual(changed.ports);
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(first, '127.0.0.1', resolve));
  const refused = await project.perform(project.up([web]));
  await new Promise((resolve) => holder.close(resolve));
  expect(refused.failures).toEqual([
    `host port ${first} of machine web is in use by process ${process.pid} (node)`,
  ]);
  expect((await project.record('web'))?.definition.ports).toEqual(changed.ports);
  expect((await networkState(project)).members['web']?.ports).toEqual(changed.ports);
});

when('a port moves from one running machine to another', async () => {
  await using project = await createProject();
  const port = { host: await freePort(), hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' } as const;
  const [a, b] = [await machineOn(project, 'a', { ports: [port] }), await machineOn(project, 'b')];
  await project.done(project.up([a, b]));
  await project.done(
    project.up([
      { ...a, ports: [] },
      { ...b, ports: [port] },
    ]),
  );
  const { members } = await networkState(project);
  expect(members['a']?.ports).toEqual([]);
  expect(members['b']?.ports).toEqual([port]);
  expect((await project.record('b'))?.run).toBe(1);
});

when('a changed network is ended before any machine starts on it in its new shape', async () => {
  await using project = await createProject();
  const web = await machineOn(project, 'web');
  const db = await machineOn(project, 'db');
  await project.done(project.up([web, db]));
  const first = await existing(networkIdentity(project, 'default'));
  const renewed = [web, db].map((one) => ({ ...one, networks: [onGvproxy(one.name, { mtu: 1400 })] }));
  await project.done(project.up(renewed));
  expect(isAlive(first)).toBe(false);
  const state = await networkState(project);
  expect(state).toMatchObject({ run: 2, status: 'ready' });
  expect(Object.keys(state.members).toSorted()).toEqual(['db', 'web']);
  const refused = await project.perform(
    project.up([web, ...renewed.slice(1)], { machines: ['web'], noDeps: true }),
  );
  expect(refused.failures).toEqual([
    'machine web needs network default with other settings than machine db runs on it with: ' +
      'bring both up to date (krun up db web), or stop db first',
  ]);
});

when('nothing is left when the last machine on a network has ended by itself', async () => {
  await using project = await createProject();
  const task = await project.machine('task', 'sleep 0.2', { kind: 'task', networks: [onGvproxy('task')] });
  await project.done(project.up([task]));
  await project.untilState('task', ({ status }) => status === 'exited');
  // Neither gvproxy and its process nor the supervisor.
  await project.untilNoProcess();
});

when('addresses and ports that krun chose stay over down and up', async () => {
  await using project = await createProject();
  const auto = { host: 'auto', hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' } as const;
  const machines = [
    await machineOn(project, 'web', { ports: [auto] }),
    await machineOn(project, 'db', { ports: [auto] }),
  ];
  await project.done(project.up(machines));
  const before = [await project.record('web'), await project.record('db')].map((one) => one?.endpoint);
  const hosts = before.map((endpoint) => endpoint?.ports.map((port) => ('host' in port ? port.host : 0)));
  expect(new Set(hosts.flat()).size).toBe(2);
  await project.done(project.down());
  await project.done(project.up(machines.toReversed()));
  const after = [await project.record('web'), await project.record('db')].map((one) => one?.endpoint);
  expect(after).toEqual(before);
});

when('twenty machines are on one network, and each has an address of its own', async () => {
  await using project = await createProject();
  const machines = await Promise.all(
    Array.from({ length: 20 }, (_, index) => machineOn(project, `m${index}`)),
  );
  await project.done(project.up(machines));
  const { run, members } = await networkState(project);
  expect(run).toBe(1);
  expect(Object.values(members).map(({ connected }) => connected)).toEqual(
    Array.from({ length: 20 }, () => true),
  );
  expect(new Set(Object.values(members).map(({ ip }) => ip)).size).toBe(20);
});

when('busy ports are named with their holder before a machine starts, tcp and udp', async () => {
  await using project = await createProject();
  await using other = await createProject();
  const [tcp, udp] = [await freePort(), createSocket('udp4')];
  const theirs = { host: tcp, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' } as const;
  await other.done(other.up([await machineOn(other, 'shop', { ports: [theirs] })]));
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
  const busy = { host: udp.address().port, hostIp: '127.0.0.1', guest: 53, protocol: 'udp' } as const;
  const machines = [
    await machineOn(project, 'a', { ports: [theirs] }),
    await machineOn(project, 'b', { ports: [busy] }),
    await machineOn(project, 'c', { ports: [{ ...theirs, host: busy.host }] }),
  ];
  const { failures } = await project.perform(project.up(machines));
  udp.close();
  expect(failures.map((text) => text.replace(/process \d+/, 'process N')).toSorted()).toEqual([
    `host port ${tcp} of machine a is in use by machine shop of project rig (process N)`,
    `host port ${busy.host}/udp of machine b is in use by process N (node)`,
  ]);
});

when(
  'a port that a machine of another project has, but does not listen on yet, is refused by its name',
  async () => {
    await using other = await createProject();
    await using project = await createProject();
    const port = { host: await freePort(), guest: 80, protocol: 'tcp' } as const;
    // TSI binds a port only when the guest listens.
    await other.done(other.up([await other.machine('shop', FOREVER, tsi(port))]));
    const environment = { XDG_RUNTIME_DIR: other.environment['XDG_RUNTIME_DIR'] ?? '' };
    await using neighbour = await SupervisedProject.create({ KRUN_GVPROXY: gvproxy ?? '', ...environment });
    const web = await machineOn(neighbour, 'web', { ports: [{ ...port, hostIp: '127.0.0.1' }] });
    const { pid } = await other.identity('shop');
    expect((await neighbour.perform(neighbour.up([web]))).failures).toEqual([
      `host port ${port.host} of machine web is in use by machine shop of project rig (process ${pid})`,
    ]);
    // Another user's, for all that is known.
    await project.done(project.up([await machineOn(project, 'web', { ports: web.ports })]));
  },
);

test('ports of a machine with a link of its own come back when the process that carries them was killed', async () => {
  // Closed last: it waits for the machine's connection.
  await using backend = createServer((link) => link.on('error', () => link.destroy()).resume());
  await using project = await createProject();
  const socket = path.join(project.base, 'backend.sock');
  await new Promise<void>((resolve) => backend.listen(socket, resolve));
  const port = { host: await freePort(), hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' } as const;
  const network: UnixNetwork = {
    driver: 'unixstream',
    name: 'lan',
    mtu: 1500,
    offloading: false,
    dns: [],
    dnsSearch: [],
    socket,
    vfkitMagic: false,
  };
  const networks = [{ network, mac: 'aa:bb:cc:dd:ee:01', aliases: [], ip: '10.0.0.5' }];
  await project.done(project.up([await project.machine('web', FOREVER, { networks, ports: [port] })]));
  const before = await project.identity('web');
  expect((await networkState(project, 'lan')).members['web']?.ports).toEqual([port]);
  kill((await existing(networkIdentity(project, 'lan'))).pid, 'SIGKILL');
  await expect
    .poll(async () => (await networkState(project, 'lan').catch(() => undefined))?.members['web']?.ports)
    .toEqual([port]);
  expect((await networkState(project, 'lan')).run).toBe(2);
  expect(await project.identity('web')).toEqual(before);
});

const passt = programPath('passt');

test.skipIf(!passt)(
  'a killed passt ends its machine as a failure, and the policy starts both again',
  async () => {
    await using project = await SupervisedProject.create({ KRUN_PASST: passt ?? '' });
    const network = {
      driver: 'passt',
      name: 'default',
      mtu: 1500,
      offloading: false,
      dns: [],
      dnsSearch: [],
      subnet: '192.168.127.0/24',
      hostAccess: true,
    } as const;
    const port = { host: await freePort(), hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' } as const;
    const networks = [{ network, mac: '0a:00:00:00:00:01', aliases: [] }];
    const web = await project.machine('web', FOREVER, {
      networks,
      ports: [port],
      restart: { policy: 'on-failure', maxRetries: 1 },
    });
    await project.done(project.up([web]));
    const killPasst = async (): Promise<void> => {
      const helper = (await project.processes()).find(({ command }) => /\bpasst(\.avx2)? /.test(command));
      kill((await existing(Promise.resolve(helper))).pid, 'SIGKILL');
    };
    await killPasst();
    await project.untilState('web', (state) => state.status === 'running' && state.run === 2);
    await killPasst();
    const { state } = await project.untilState('web', ({ status }) => status === 'failed');
    expect(state).toMatchObject({ reason: 'passt ended (SIGKILL): the guest lost its network' });
  },
);
