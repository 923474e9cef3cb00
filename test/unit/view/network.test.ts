import { expect, test } from 'vitest';
import type { MemberStatus, NetworkState } from '../../../src/network/api.ts';
import type { GvproxyNetwork, PasstNetwork } from '../../../src/project/project.ts';
import {
  type NetworkAnswer,
  networkStatus,
  type SeenMember,
  type SeenNetwork,
} from '../../../src/view/network.ts';
import { networkDetails, networkText } from '../../../src/view/network-inspect.ts';
import { networkLsJson, networkTable } from '../../../src/view/network-ls.ts';

const COMMON = { mtu: 1500, offloading: false, dns: [], dnsSearch: [], hostAccess: true };
const SUBNET = '192.168.127.0/24';
const gvproxy: GvproxyNetwork = { driver: 'gvproxy', name: 'default', subnet: SUBNET, ...COMMON };
const passt: PasstNetwork = { driver: 'passt', name: 'out', subnet: '192.168.128.0/24', ...COMMON };

const PORT = { host: 8080, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' } as const;
const WEB_LIVE: MemberStatus = {
  mac: '5a:00:00:00:00:02',
  ip: '192.168.127.2',
  names: ['web', 'www'],
  linkSocket: '/run/l-1',
  ports: [PORT],
  connected: true,
  sent: { frames: 10, bytes: 1000, dropped: 2 },
  received: { frames: 20, bytes: 12_900_000, dropped: 1 },
};
const STATE: NetworkState = {
  version: 1,
  run: 3,
  status: 'ready',
  gateway: '192.168.127.1',
  helper: { name: 'gvproxy', path: '/usr/bin/gvproxy', version: '0.8.9', pid: 4711, restarts: 1 },
  members: { web: WEB_LIVE },
};

const web: SeenMember = {
  machine: 'web',
  active: true,
  device: 'eth0',
  mac: WEB_LIVE.mac,
  ip: WEB_LIVE.ip,
  names: WEB_LIVE.names,
  ports: [PORT],
  live: WEB_LIVE,
};
const { live: _, ...unasked } = web;
const db: SeenMember = { machine: 'db', active: false, mac: '5a:00:00:00:00:03', names: ['db'], ports: [] };

function answered(more: Partial<NetworkState> = {}): NetworkAnswer {
  return { kind: 'state', state: { ...STATE, ...more } };
}

function seen(more: Partial<SeenNetwork> = {}): SeenNetwork {
  return { name: 'default', definition: gvproxy, process: answered(), members: [db, web], ...more };
}

test('the status is what the process says; without an answer it is never ready', () => {
  expect(networkStatus(seen())).toEqual({ status: 'ready' });
  const recovering = answered({ status: 'recovering', reason: 'gvproxy ended (SIGKILL)' });
  expect(networkStatus(seen({ process: recovering }))).toEqual({
    status: 'recovering',
    reason: 'gvproxy ended (SIGKILL)',
  });
  expect(networkStatus(seen({ process: { kind: 'absent' } }))).toMatchObject({ status: 'down' });
  expect(networkStatus(seen({ process: { kind: 'absent' }, members: [db] }))).toEqual({ status: 'stopped' });
  expect(networkStatus(seen({ process: { kind: 'silent', message: 'it hangs' } }))).toMatchObject({
    status: 'not answering',
    reason: 'it hangs',
  });
});

test('a network without a process is ready while a machine of it runs', () => {
  const machine = { machine: 'api', active: true, names: [], ports: [] };
  const network = { name: 'out', definition: passt, members: [machine] };
  expect(networkStatus(network)).toEqual({ status: 'ready' });
  expect(networkStatus({ ...network, members: [{ ...machine, active: false }] })).toEqual({
    status: 'stopped',
  });
});

test('the list names the machines that run and counts the others', () => {
  const silent: NetworkAnswer = { kind: 'silent', message: 'the network process has not answered for 1 s' };
  const networks = [
    seen(),
    seen({ name: 'back', process: answered({ status: 'recovering', reason: 'gvproxy ended (SIGKILL)' }) }),
    seen({ name: 'front', process: silent, members: [web] }),
    seen({ name: 'old', process: { kind: 'absent' }, members: [db] }),
    seen({ name: 'open', definition: { driver: 'tsi', name: 'open', hijack: ['inet'] }, process: undefined }),
  ];
  expect(networkTable(networks, undefined)).toMatchInlineSnapshot(`
    "NAME      DRIVER    STATUS                                                        MACHINES         SUBNET
    default   gvproxy   ready                                                         web, 1 stopped   192.168.127.0/24
    back      gvproxy   recovering: gvproxy ended (SIGKILL)                           web, 1 stopped   192.168.127.0/24
    front     gvproxy   not answering: the network process has not answered for 1 s   web              192.168.127.0/24
    old       gvproxy   stopped                                                       1 stopped        192.168.127.0/24
    open      tsi       ready                                                         web, 1 stopped"
  `);
  expect(networks.slice(0, 2).map(networkLsJson)).toMatchInlineSnapshot(`
    [
      "{"name":"default","driver":"gvproxy","status":"ready","machines":["web"],"stopped":["db"],"subnet":"192.168.127.0/24"}",
      "{"name":"back","driver":"gvproxy","status":"recovering","reason":"gvproxy ended (SIGKILL)","machines":["web"],"stopped":["db"],"subnet":"192.168.127.0/24"}",
    ]
  `);
});

test('details for people: helper, members, traffic, ports', () => {
  expect(networkText(seen({ why: 'it is installed' }), undefined)).toMatchInlineSnapshot(`
    "default: gvproxy, ready
      why      it is installed
      subnet   192.168.127.0/24, gateway 192.168.127.1, mtu 1500
      helper   /usr/bin/gvproxy 0.8.9, pid 4711, 1 restart

      MACHINE   STATUS      IP              MAC                 NAMES      SENT     RECEIVED   DROPPED   PORTS
      db        stopped                     5a:00:00:00:00:03   db
      web       connected   192.168.127.2   5a:00:00:00:00:02   web, www   1000 B   12.3 MiB   3         127.0.0.1:8080->80/tcp"
  `);
  expect(networkText(seen({ process: { kind: 'absent' }, members: [db, unasked] }), undefined))
    .toMatchInlineSnapshot(`
      "default: gvproxy, down: its process does not run
        hint     krun up starts it again; krun logs --helpers shows what it said last
        subnet   192.168.127.0/24, mtu 1500

        MACHINE   STATUS          IP              MAC                 NAMES      PORTS
        db        stopped                         5a:00:00:00:00:03   db
        web       not connected   192.168.127.2   5a:00:00:00:00:02   web, www   127.0.0.1:8080->80/tcp"
    `);
  const api: SeenMember = {
    machine: 'api',
    active: true,
    ip: '192.168.128.2',
    names: [],
    ports: [PORT],
    helper: { path: '/usr/bin/passt', pid: 12 },
  };
  expect(networkText({ name: 'out', definition: { ...passt, offloading: true }, members: [api] }, undefined))
    .toMatchInlineSnapshot(`
      "out: passt, ready
        subnet   192.168.128.0/24, mtu 1500, offloading
        helper   /usr/bin/passt, one for each machine

        MACHINE   STATUS    IP              MAC   PORTS
        api       running   192.168.128.2         127.0.0.1:8080->80/tcp"
    `);
});

test('details for programs keep unknown apart from none', () => {
  expect(networkDetails(seen())).toMatchInlineSnapshot(`
    {
      "definition": {
        "dns": [],
        "dnsSearch": [],
        "driver": "gvproxy",
        "hostAccess": true,
        "mtu": 1500,
        "name": "default",
        "offloading": false,
        "subnet": "192.168.127.0/24",
      },
      "driver": "gvproxy",
      "gateway": "192.168.127.1",
      "helper": {
        "name": "gvproxy",
        "path": "/usr/bin/gvproxy",
        "pid": 4711,
        "restarts": 1,
        "version": "0.8.9",
      },
      "members": {
        "db": {
          "active": false,
          "mac": "5a:00:00:00:00:03",
          "names": [
            "db",
          ],
          "ports": [],
        },
        "web": {
          "active": true,
          "connected": true,
          "device": "eth0",
          "ip": "192.168.127.2",
          "mac": "5a:00:00:00:00:02",
          "names": [
            "web",
            "www",
          ],
          "ports": [
            {
              "guest": 80,
              "host": 8080,
              "hostIp": "127.0.0.1",
              "protocol": "tcp",
            },
          ],
          "received": {
            "bytes": 12900000,
            "dropped": 1,
            "frames": 20,
          },
          "sent": {
            "bytes": 1000,
            "dropped": 2,
            "frames": 10,
          },
        },
      },
      "name": "default",
      "run": 3,
      "status": "ready",
      "subnet": "192.168.127.0/24",
    }
  `);
  expect(networkDetails(seen({ process: { kind: 'absent' }, members: [] }))).toMatchObject({
    status: 'stopped',
    run: null,
    helper: null,
    gateway: null,
    members: {},
  });
});
