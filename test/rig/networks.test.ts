import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../src/host/identity.ts';
import type { MachineSpec, ProcessIdentity } from '../../src/machine/spec.ts';
import { NetworkClient } from '../../src/network/client.ts';
import type { NetworkState } from '../../src/network/api.ts';
import type { Machine } from '../../src/project/project.ts';
import { machineLayout, networkLayout, runLayout } from '../../src/store/layout.ts';
import { readNetworkRecord } from '../../src/store/record-files.ts';
import { onGvproxy } from '../support/definitions.ts';
import { GVPROXY_VERSIONS, gvproxyPath } from './support/helpers.ts';
import { kill, SupervisedProject } from './support/supervised.ts';

const FOREVER = 'while :; do sleep 0.1; done';
const gvproxy = gvproxyPath('0.8.9');

async function networkIdentity({ layout }: SupervisedProject, network: string): Promise<ProcessIdentity> {
  const record = await readNetworkRecord(layout, network);
  const run = record.ok ? (record.value?.run ?? 0) : 0;
  const { identityFile } = runLayout(networkLayout(layout, network), run);
  return JSON.parse(await readFile(identityFile, 'utf8')) as ProcessIdentity;
}

async function networkState({ layout }: SupervisedProject, network = 'default'): Promise<NetworkState> {
  const state = await new NetworkClient(networkLayout(layout, network).controlSocket).state();
  if (!state.ok) throw new Error(state.error.message);
  return state.value;
}

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
    const identity = await networkIdentity(project, 'default');
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
