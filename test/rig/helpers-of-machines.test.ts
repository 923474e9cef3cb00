import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import dgram from 'node:dgram';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isAlive } from '../../src/host/identity.ts';
import type {
  GuestInterface,
  PasstSettings,
  ProcessIdentity,
  SpecBackend,
  VmnetSettings,
} from '../../src/machine/spec.ts';
import { freePort } from '../support/free-port.ts';
import { bootstrapGuest } from '../unit/machine/specs.ts';
import { compileStandIn } from './support/compile.ts';
import { programPath } from './support/helpers.ts';
import { MachineProcesses, type MachineOptions, type MachineProcess } from './support/machine-process.ts';
import { until } from './support/until.ts';

let base: string;
let machines: MachineProcesses;
beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'krun-mh-'));
  machines = new MachineProcesses(base);
});
afterEach(async () => {
  await machines.end();
  // A guest goes a moment after its machine process.
  rmSync(base, { recursive: true, maxRetries: 5 });
});

function withLink(
  backend: SpecBackend,
  script: string,
  address: Pick<GuestInterface, 'address' | 'gateway'>,
): MachineOptions {
  return {
    network: {
      interfaces: [{ mac: '02:00:00:00:00:02', offloading: false, dhcp: false, backend }],
      hostPorts: [],
    },
    guest: bootstrapGuest({
      command: ['/bin/sh', '-c', script],
      network: {
        interfaces: [{ device: 'eth0', mtu: 1500, ...address }],
        nameservers: [],
        searchDomains: [],
        hosts: [],
      },
    }),
  };
}

function helperOf(machine: MachineProcess): ProcessIdentity {
  const helper = machine.helper();
  if (!helper) throw new Error('the machine process wrote down no helper');
  return helper;
}

async function gone(helper: ProcessIdentity): Promise<void> {
  expect(await until(() => !isAlive(helper), { timeoutMs: 30_000 })).toBe(true);
}

/** Serves a page, and echoes datagrams. */
const ECHO = `
  require('node:http').createServer((_, response) => response.end('page')).listen(80, () => {
    const udp = require('node:dgram').createSocket('udp4');
    udp.on('message', (data, from) => udp.send(data, from.port, from.address));
    udp.bind(53, () => console.log('up'));
  });`;

const passt = programPath('passt');

describe.skipIf(!passt)('a machine with passt', () => {
  const onPasst = (script: string, more: Partial<PasstSettings> = {}): MachineOptions =>
    withLink(
      {
        kind: 'passt',
        program: passt ?? '',
        address: '10.9.0.2/24',
        gateway: '10.9.0.1',
        mtu: 1500,
        hostAccess: true,
        dns: [],
        dnsSearch: [],
        ports: [],
        ...more,
      },
      script,
      { address: '10.9.0.2/24', gateway: '10.9.0.1' },
    );

  it('publishes tcp and udp ports, and takes passt along when it is killed', async () => {
    const [tcp, udp] = [await freePort(), await freePort()];
    const web = machines.start(
      'web',
      onPasst(`exec ${process.execPath} -e "${ECHO}"`, {
        ports: [
          { host: tcp, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' },
          { host: udp, hostIp: '127.0.0.1', guest: 53, protocol: 'udp' },
        ],
      }),
    );
    await web.wrote('stdout', 'up');
    expect(await (await fetch(`http://127.0.0.1:${tcp}/`)).text()).toBe('page');
    expect(await askUdp(udp, 'ping')).toBe('ping');
    const helper = helperOf(web);
    expect(isAlive(helper)).toBe(true);
    web.child.kill('SIGKILL');
    await gone(helper);
  });

  it.each([
    [true, 'page'],
    [false, ''],
  ])('reaches the loopback of the host where it may (%s)', async (hostAccess, expected) => {
    const server = http.createServer((_, response) => response.end('page')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const script = `timeout 5 busybox wget -q -O - http://10.9.0.1:${port}/; exit 0`;
    const web = machines.start('web', onPasst(script, { hostAccess }));
    expect(await web.outcome()).toBe('{"kind":"exited","exit":{"code":0}}');
    expect(web.text('stdout')).toBe(expected);
    server.close();
  });

  it('is a failure as soon as passt is killed', async () => {
    const web = machines.start('web', onPasst('echo up; sleep 100'));
    await web.wrote('stdout', 'up');
    process.kill(helperOf(web).pid, 'SIGKILL');
    expect(await web.outcome()).toBe(
      '{"kind":"failed","reason":"passt ended (SIGKILL): the guest lost its network","hint":"`krun logs --helpers` shows what it printed; with `restart: on-failure` the machine would start again"}',
    );
    expect(web.text('status')).toMatch(/\nkrun-helper {"name":"passt","code":null,"signal":"SIGKILL"}\n$/);
  });

  it('ends with its command although passt sees the end, too', async () => {
    const web = machines.start('web', onPasst('exit 3'));
    expect(await web.outcome()).toBe('{"kind":"exited","exit":{"code":3}}');
    await gone(helperOf(web));
  });

  it('names who has its port', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: host } = server.address() as net.AddressInfo;
    const web = machines.start(
      'web',
      onPasst('true', { ports: [{ host, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' }] }),
    );
    expect(await web.outcome()).toMatch(
      new RegExp(
        `"passt cannot publish 127.0.0.1:${host} \\(tcp\\): it is in use by \\S+ \\(process ${process.pid}\\)"`,
      ),
    );
    server.close();
  });

  it('names an address that is not the host’s', async () => {
    const host = await freePort();
    const web = machines.start(
      'web',
      onPasst('true', { ports: [{ host, hostIp: '192.0.2.77', guest: 80, protocol: 'tcp' }] }),
    );
    expect(await web.outcome()).toContain(
      `"passt cannot publish 192.0.2.77:${host} (tcp): the address is not one of this host"`,
    );
  });

  it('says what a program that is no passt does', async () => {
    const web = machines.start('web', onPasst('true', { program: '/bin/false' }));
    expect(await web.outcome()).toBe(
      '{"kind":"failed","reason":"passt ended at its start","hint":"`krun logs --helpers` shows what it printed"}',
    );
    const gone = machines.start('db', onPasst('true', { program: '/no/passt' }));
    expect(await gone.outcome()).toBe(
      '{"kind":"failed","reason":"passt cannot be started: /no/passt: ENOENT","hint":"install passt, or correct its path"}',
    );
  });
});

async function askUdp(port: number, text: string): Promise<string> {
  const socket = dgram.createSocket('udp4');
  const answer = once(socket, 'message');
  socket.send(text, port, '127.0.0.1');
  const [message] = (await answer) as [Buffer];
  socket.close();
  return message.toString();
}

describe('a machine with vmnet-helper', () => {
  let program: string;
  beforeAll(async () => {
    program = await compileStandIn('vmnet-helper');
  });

  const onVmnet = (
    script: string,
    more: Partial<VmnetSettings> = {},
    env: Readonly<Record<string, string>> = {},
  ): MachineOptions => ({
    ...withLink(
      {
        kind: 'vmnet-helper',
        program,
        mode: 'shared',
        isolation: false,
        interfaceId: '6b2c1f9e-0d5a-5c1e-9a40-1f5f2b3c4d5e',
        ...more,
      },
      script,
      {},
    ),
    env: { FAKE_VMNET_CALLS: path.join(base, 'vmnet'), ...env },
  });

  it('gets its address by DHCP and reaches the gateway', async () => {
    const web = machines.start(
      'web',
      onVmnet('cat /etc/resolv.conf; ip route; busybox ping -c 1 192.168.105.1'),
    );
    expect(await web.outcome(), web.text('helper')).toBe('{"kind":"exited","exit":{"code":0}}');
    expect(web.text('stdout')).toMatch(/^nameserver 192.168.105.1\ndefault via 192.168.105.1 dev eth0/);
    expect(readFileSync(path.join(base, 'vmnet'), 'utf8')).toBe(
      '--fd 3 --interface-id 6b2c1f9e-0d5a-5c1e-9a40-1f5f2b3c4d5e --operation-mode shared\n',
    );
    // As the supervisor does: it may not notice that its machine is gone.
    process.kill(helperOf(web).pid, 'SIGKILL');
    await gone(helperOf(web));
  });

  it('is started by sudo where the helper needs it', async () => {
    mkdirSync(path.join(base, 'bin'));
    const sudo = path.join(base, 'bin/sudo');
    writeFileSync(
      sudo,
      `#!/bin/sh\necho "$1 $2" >>${base}/sudo\n[ -z "$FAKE_SUDO" ] || { echo "sudo: a password is required" >&2; exit 1; }\nshift 2\nexec "$@"\n`,
    );
    chmodSync(sudo, 0o755);
    const env = { FAKE_VMNET_VERSION: '0.8.0', PATH: `${base}/bin:${process.env['PATH']}` };
    const web = machines.start('web', onVmnet('true', {}, env));
    expect(await web.outcome()).toBe('{"kind":"exited","exit":{"code":0}}');
    expect(readFileSync(path.join(base, 'sudo'), 'utf8')).toBe('--non-interactive --close-from=4\n');
    const db = machines.start('db', onVmnet('true', {}, { ...env, FAKE_SUDO: 'asks' }));
    expect(await db.outcome()).toContain(
      '"vmnet-helper ended at its start: sudo asks for a password (sudo: a password is required)"',
    );
  });

  it.each([
    [
      { FAKE_VMNET: 'fail' },
      {},
      'vmnet-helper ended at its start: macOS refuses the interface (ERROR [main] vmnet_start_interface: VMNET_FAILURE)',
    ],
    [
      { FAKE_VMNET: 'garbage' },
      {},
      'vmnet-helper announced itself with an unknown line: hello (INFO  [main] running vmnet-helper)',
    ],
    [{}, { mode: 'bridged' }, "vmnet-helper ended at its start (Try 'vmnet-helper --help')"],
  ] as const)('that does not come up is a failure (%j, %j)', async (env, settings, reason) => {
    const web = machines.start('web', onVmnet('true', settings, env));
    expect(await web.outcome()).toContain(`"reason":"${reason}"`);
  });

  it('is a failure as soon as the helper is killed', async () => {
    const web = machines.start('web', onVmnet('sleep 100', {}, { FAKE_VMNET: 'die' }));
    expect(await web.outcome()).toContain(
      '"reason":"vmnet-helper ended (SIGKILL): the guest lost its network"',
    );
  });

  it('takes the helper along when it is stopped hard', async () => {
    const web = machines.start('web', onVmnet('echo up; sleep 100'));
    await web.wrote('stdout', 'up');
    const helper = helperOf(web);
    await web.request('POST', { state: 'HardStop' });
    await web.exited;
    await gone(helper);
  });
});
