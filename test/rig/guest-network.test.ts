import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GuestNetwork } from '../../src/machine/spec.ts';
import { bootstrapGuest } from '../unit/machine/specs.ts';
import { compileStandIn } from './support/compile.ts';
import { MachineProcesses } from './support/machine-process.ts';

let vmnet: string;
beforeAll(async () => {
  vmnet = await compileStandIn('socket-vmnet');
});

let base: string;
let machines: MachineProcesses;
let daemon: ChildProcess;
beforeEach(async () => {
  base = mkdtempSync(path.join(os.tmpdir(), 'krun-gn-'));
  machines = new MachineProcesses(base);
  daemon = spawn(vmnet, [path.join(base, 'vmnet')], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(daemon.stdout ?? daemon, 'data');
});
afterEach(async () => {
  await machines.end();
  daemon.kill();
  // A guest goes a moment after its machine process.
  rmSync(base, { recursive: true, maxRetries: 5 });
});

/** A shell in the place of /bin/sh. */
const SHELLS = {
  dash: [],
  'busybox ash': ['put /usr/bin/busybox /bin/sh'],
  bash: ['put /bin/bash /bin/sh'],
} as const;

const PROGRAMS = {
  iproute2: ['/usr/sbin/ip', '/usr/bin/ip'],
  busybox: ['/usr/bin/busybox'],
  'net-tools': ['/usr/sbin/ifconfig'],
  perl: ['/usr/bin/perl'],
} as const;
type Tools = keyof typeof PROGRAMS;
const ALL_TOOLS = Object.keys(PROGRAMS) as Tools[];

/** Takes all tools away but some. */
function only(...tools: readonly Tools[]): readonly string[] {
  const others = ALL_TOOLS.filter((name) => !tools.includes(name)).flatMap((name) => PROGRAMS[name]);
  return others.map((file) => `hide ${file}`);
}

let runs = 0;

interface Run {
  readonly faults: readonly string[];
  readonly network: Partial<GuestNetwork>;
  readonly command: string;
}

/** What is printed, or what the guest reports instead of running its command. */
async function run({ faults, network, command }: Run): Promise<string> {
  writeFileSync(path.join(base, 'root/.fake'), faults.map((line) => `${line}\n`).join(''));
  const backend = { kind: 'unixstream', path: path.join(base, 'vmnet') } as const;
  const machine = machines.start(`web${runs++}`, {
    network: {
      interfaces: [{ mac: '02:00:00:00:00:02', offloading: false, dhcp: false, backend }],
      hostPorts: [],
    },
    guest: bootstrapGuest({
      command: [process.execPath, '-e', command],
      network: { interfaces: [], nameservers: [], searchDomains: [], hosts: [], ...network },
    }),
  });
  await machine.exited;
  const error = /^error (.*)$/m.exec(machine.text('status'))?.[1];
  return error ?? machine.text('stdout') + machine.text('stderr');
}

/** Prints how the guest is set up, and needs no program of its root for it. */
const SHOW = `
  const fs = require('node:fs');
  const lines = (file) => fs.readFileSync(file, 'utf8').split('\\n');
  const dotted = (hex) => Buffer.from(hex, 'hex').reverse().join('.');
  for (const line of lines('/proc/net/route')) {
    const [device, to, via, , , , , mask] = line.split('\\t');
    if (device === 'eth0') console.log('route', dotted(to), dotted(mask), 'via', dotted(via));
  }
  const os = require('node:os').networkInterfaces();
  console.log(Object.entries(os).map(([name, of]) => name + ' ' + of.filter((a) => a.family === 'IPv4').map((a) => a.cidr)).join(', '));
  console.log(lines('/etc/resolv.conf').join('\\n') + lines('/etc/hosts').join('\\n').split('127.0.0.1 localhost\\n')[1]);
  const udp = require('node:dgram').createSocket('udp4');
  udp.send('x', 9, '192.168.105.1', (error) => { console.log('mtu', lines('/proc/sys/net/ipv6/conf/eth0/mtu')[0], error ?? 'reached'); udp.close(); });`;

const STATIC: GuestNetwork = {
  interfaces: [{ device: 'eth0', mtu: 1400, address: '192.168.105.77/24', gateway: '192.168.105.1' }],
  nameservers: ['192.168.105.1', '9.9.9.9'],
  searchDomains: ['krun.internal', 'example.org'],
  hosts: [{ ip: '192.168.105.254', names: ['host.krun.internal', 'host'] }],
};

const isDebian =
  existsSync('/usr/bin/busybox') && existsSync('/usr/bin/perl') && existsSync('/usr/sbin/ifconfig');

describe.skipIf(!isDebian).each(Object.keys(SHELLS) as (keyof typeof SHELLS)[])('under %s', (shell) => {
  it.each(ALL_TOOLS)('%s gives an interface its address', async (tools) => {
    const faults = [...SHELLS[shell], ...only(tools)];
    expect(await run({ faults, network: STATIC, command: SHOW }))
      .toBe(`route 0.0.0.0 0.0.0.0 via 192.168.105.1
route 192.168.105.0 255.255.255.0 via 0.0.0.0
lo 127.0.0.1/8, eth0 192.168.105.77/24
search krun.internal example.org
nameserver 192.168.105.1
nameserver 9.9.9.9
::1 localhost ip6-localhost ip6-loopback
192.168.105.77 web
192.168.105.254 host.krun.internal host

mtu 1400 reached
`);
  });

  it.each([
    ['busybox', ['busybox']],
    ['perl', ['perl']],
    ['perl with other tools', ['perl', 'iproute2']],
  ] as const)('%s asks a DHCP server', async (_, tools) => {
    const faults = [...SHELLS[shell], ...only(...tools)];
    const network = { interfaces: [{ device: 'eth0', mtu: 1500 }], searchDomains: ['krun.internal'] };
    expect(await run({ faults, network, command: SHOW })).toBe(`route 0.0.0.0 0.0.0.0 via 192.168.105.1
route 192.168.105.0 255.255.255.0 via 0.0.0.0
lo 127.0.0.1/8, eth0 192.168.105.2/24
search krun.internal
nameserver 192.168.105.1
::1 localhost ip6-localhost ip6-loopback
192.168.105.2 web

mtu 1500 reached
`);
  });
});

describe.skipIf(!isDebian)('a guest', () => {
  it.each(['busybox', 'perl'] as const)('that no DHCP server answers says so (%s)', async (tools) => {
    daemon.kill('SIGSTOP');
    const network = { interfaces: [{ device: 'eth0', mtu: 1500 }] };
    const told = await run({ faults: only(tools), network, command: SHOW });
    daemon.kill('SIGCONT');
    expect(told).toMatch(/^eth0 got no address by DHCP: (udhcpc: no lease, failing|no DHCP server answers)$/);
  });

  it('whose root has no tool is told what it lacks', async () => {
    const faults = only();
    expect(await run({ faults, network: STATIC, command: SHOW })).toBe(
      'cannot set up eth0: the root has no ip, ifconfig or perl; install iproute2 or busybox in it',
    );
    const network = { interfaces: [{ device: 'eth0', mtu: 1500 }] };
    expect(await run({ faults, network, command: SHOW })).toBe(
      'eth0 gets its address by DHCP, and the root has no udhcpc, dhclient, dhcpcd or perl; install one in it, or give the machine an `ip`',
    );
  });

  it('whose kernel lacks a device says so', async () => {
    const network = { interfaces: [{ device: 'eth7', mtu: 1500, address: '10.0.0.1/8' }] };
    expect(await run({ faults: [], network, command: SHOW })).toBe("the guest's kernel has no eth7");
  });

  it('follows a resolv.conf that is a link, and leaves the root as it was', async () => {
    const etc = path.join(base, 'etc');
    mkdirSync(etc);
    writeFileSync(path.join(etc, 'hosts'), '10.1.1.1 own\n');
    symlinkSync('../run/systemd/resolve/stub-resolv.conf', path.join(etc, 'resolv.conf'));
    // The link leads out of /etc of the guest, which is this directory, as it would out of any other.
    const faults = [`put ${etc} /etc`, 'hide /run'];
    const command = `const fs = require('node:fs');
      console.log(fs.readFileSync('/etc/resolv.conf', 'utf8') + fs.readFileSync('/etc/hosts', 'utf8'));`;
    expect(await run({ faults, network: STATIC, command })).toMatch(
      /^search .*\nnameserver 192.168.105.1\nnameserver 9.9.9.9\n127.0.0.1 localhost\n[^]*\n10.1.1.1 own\n\n$/,
    );
    expect(readFileSync(path.join(etc, 'hosts'), 'utf8')).toBe('10.1.1.1 own\n');
    expect(readlinkSync(path.join(etc, 'resolv.conf'))).toBe('../run/systemd/resolve/stub-resolv.conf');
  });
});
