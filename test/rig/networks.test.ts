import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../src/host/identity.ts';
import type { MachineSpec } from '../../src/machine/spec.ts';
import type { Event } from '../../src/plan/event.ts';
import { machineLayout, networkLayout, runLayout } from '../../src/store/layout.ts';
import { onGvproxy } from '../support/definitions.ts';
import { freePort } from '../support/free-port.ts';
import { GVPROXY_VERSIONS, gvproxyPath, programPath } from './support/helpers.ts';
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

async function machineSpec({ layout }: SupervisedProject, machine: string, run = 1): Promise<MachineSpec> {
  const { specFile } = runLayout(machineLayout(layout, machine), run);
  return JSON.parse(await readFile(specFile, 'utf8')) as MachineSpec;
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
    const changes = (events: readonly Event[]): readonly string[] =>
      events.flatMap((event) => (event.type === 'network' ? [event.status] : []));
    expect(changes(await project.done(project.up(machines)))).toEqual(['starting', 'running']);
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
    expect(changes(await project.done({ type: 'stop', machines: ['db'] }))).toEqual(['ended']);
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

when(
  'a helper that nobody could write down before its network process was killed does not stay',
  async () => {
    await using project = await createProject();
    await project.done(project.up([await machineOn(project, 'web')]));
    const { gvproxyLink } = networkLayout(project.layout, 'default');
    // What the words are of tells whose it is, whatever the program.
    const helper = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', `unix://${gvproxyLink}`]);
    const ended = once(helper, 'close');
    await once(helper, 'spawn');
    kill((await existing(networkIdentity(project, 'default'))).pid, 'SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
  },
);

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
