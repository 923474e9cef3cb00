import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Machine, UnixNetwork } from '../../src/project/project.ts';
import { tsi } from '../support/definitions.ts';
import { freePort } from '../support/free-port.ts';
import {
  createProject,
  existing,
  FOREVER,
  gvproxy,
  machineOn,
  networkIdentity,
  networkState,
} from './support/networks.ts';
import { kill, SupervisedProject } from './support/supervised.ts';

const when = test.skipIf(!gvproxy);

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
  const told = new Set(failures.map((text) => text.replace(/process \d+/, 'process N')));
  expect(told).toEqual(
    new Set([
      `host port ${tcp} of machine a is in use by machine shop of project rig (process N)`,
      `host port ${busy.host}/udp of machine b is in use by process N (node)`,
    ]),
  );
});

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
