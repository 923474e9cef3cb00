import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seeNetworks } from '../../../src/cli/networks.ts';
import type { NetworkState } from '../../../src/network/api.ts';
import type { MachineState } from '../../../src/plan/machine-state.ts';
import type { Attachment, Network } from '../../../src/project/project.ts';
import { type Layout, networkLayout, projectLayout } from '../../../src/store/layout.ts';
import { type MachineRecord, newRecord, STATE_SCHEMA_VERSION } from '../../../src/store/records.ts';
import { networkStatus } from '../../../src/view/network.ts';
import { machineDefinition, tsi } from '../../support/definitions.ts';

const COMMON = { mtu: 1500, offloading: false, dns: [], dnsSearch: [] };
const gvproxy = (name: string, subnet = '192.168.127.0/24'): Network => ({
  driver: 'gvproxy',
  name,
  subnet,
  hostAccess: true,
  ...COMMON,
});
const RUNNING: MachineState = { status: 'running', run: 1, since: '2026-01-02T03:04:05Z' };
const PORT = { host: 8080, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' } as const;

let base: string;
let layout: Layout;
const servers: http.Server[] = [];

beforeEach(() => {
  // Socket paths are short.
  base = mkdtempSync('/tmp/krun-n-');
  layout = projectLayout(base, undefined, { HOME: base, XDG_RUNTIME_DIR: base }, 0);
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  rmSync(base, { recursive: true, force: true });
});

function attach(network: Network, more: Partial<Attachment> = {}): Attachment {
  return { network, mac: '5a:00:00:00:00:01', aliases: [], ...more };
}

function machine(
  name: string,
  networks: readonly Attachment[],
  more: Partial<MachineRecord> = {},
): MachineRecord {
  const definition = machineDefinition(name, { networks, hostname: 'Box' });
  return { ...newRecord(definition, 'h', '2026-01-02T03:04:05Z'), state: RUNNING, run: 1, ...more };
}

/** What the supervisor leaves of a network whose process it started. */
function recorded(network: Network): void {
  const files = networkLayout(layout, network.name);
  mkdirSync(files.directory, { recursive: true });
  const record = { schemaVersion: STATE_SCHEMA_VERSION, network: network.name, definition: network, run: 1 };
  writeFileSync(files.recordFile, JSON.stringify(record));
}

/** Something that has the control socket of a network open. */
async function serve(network: string, listener: http.RequestListener): Promise<void> {
  const { controlSocket } = networkLayout(layout, network);
  mkdirSync(path.dirname(controlSocket), { recursive: true });
  const server = http.createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(controlSocket, resolve));
}

test('addresses, names and ports come from the process that answers', async () => {
  const started = gvproxy('default', '10.0.0.0/24');
  recorded(started);
  const live = {
    mac: '5a:00:00:00:00:02',
    ip: '10.0.0.9',
    names: ['web', 'www'],
    ports: [PORT],
    connected: true,
    sent: { frames: 1, bytes: 60, dropped: 0 },
    received: { frames: 0, bytes: 0, dropped: 0 },
  };
  const state: NetworkState = { version: 1, run: 1, status: 'ready', members: { web: live } };
  await serve('default', (_, response) => response.end(JSON.stringify(state)));
  const records = [machine('web', [attach(gvproxy('default'))])];
  expect(await seeNetworks(layout, records)).toEqual([
    {
      name: 'default',
      definition: started,
      process: { kind: 'state', state },
      members: [
        {
          machine: 'web',
          active: true,
          mac: live.mac,
          ip: live.ip,
          names: live.names,
          ports: live.ports,
          live,
        },
      ],
    },
  ]);
});

test('without a process the records say what was, and nothing is called ready', async () => {
  recorded(gvproxy('default'));
  const endpoint = {
    interfaces: [{ network: 'default', device: 'eth0', mac: '5a:00:00:00:00:07', ip: '192.168.127.7' }],
    ports: [PORT],
  };
  const records = [machine('web', [attach(gvproxy('default'), { aliases: ['WWW'] })], { endpoint })];
  const [network] = await seeNetworks(layout, records);
  expect(network?.members).toEqual([
    {
      machine: 'web',
      active: true,
      device: 'eth0',
      mac: '5a:00:00:00:00:07',
      ip: '192.168.127.7',
      names: ['web', 'box', 'www'],
      ports: [PORT],
    },
  ]);
  expect(network && networkStatus(network).status).toBe('down');
});

test('a network that needs a process and never had one is down while a machine runs', async () => {
  const [network] = await seeNetworks(layout, [machine('web', [attach(gvproxy('default'))])]);
  expect(network?.process).toEqual({ kind: 'absent' });
});

test('a process that breaks off is told apart from none', async () => {
  recorded(gvproxy('default'));
  await serve('default', (request) => request.socket.destroy());
  const [network] = await seeNetworks(layout, [machine('web', [attach(gvproxy('default'))])]);
  expect(network && networkStatus(network)).toMatchObject({ status: 'not answering' });
});

test('a process that hangs is not waited for', async () => {
  recorded(gvproxy('default'));
  await serve('default', () => undefined);
  const [network] = await seeNetworks(layout, [machine('web', [attach(gvproxy('default'))])]);
  expect(network?.process).toEqual({
    kind: 'silent',
    message: 'the network process has not answered for 1 s',
  });
});

test('what only a log is left of is no network, and one without a process needs none', async () => {
  recorded(gvproxy('old'));
  mkdirSync(networkLayout(layout, 'empty').directory);
  const records = [
    machine('web', tsi().networks),
    machine('db', [attach({ ...COMMON, driver: 'tap', name: 'lan', interface: 'tap0' })]),
  ];
  const networks = await seeNetworks(layout, records);
  expect(
    networks.map(({ name, process, members }) => [name, process, members.map((each) => each.machine)]),
  ).toEqual([
    ['default', undefined, ['web']],
    ['lan', undefined, ['db']],
  ]);
});

test('of several networks, the first that can carries the ports', async () => {
  const records = [
    machine('web', [attach({ ...COMMON, driver: 'tap', name: 'lan' }), attach(gvproxy('out'))], {
      endpoint: { interfaces: [], ports: [PORT] },
    }),
  ];
  const networks = await seeNetworks(layout, records);
  expect(networks.map(({ name, members }) => [name, members[0]?.ports])).toEqual([
    ['lan', []],
    ['out', [PORT]],
  ]);
});
