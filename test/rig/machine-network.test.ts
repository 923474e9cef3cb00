import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hangOutcome } from '../../src/machine/outcome.ts';
import type { GuestInterface, SpecBackend } from '../../src/machine/spec.ts';
import { bootstrapGuest } from '../unit/machine/specs.ts';
import { programPath } from './support/helpers.ts';
import { MachineProcesses, type MachineOptions } from './support/machine-process.ts';

let base: string;
let machines: MachineProcesses;
beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'krun-mn-'));
  machines = new MachineProcesses(base);
});
afterEach(async () => {
  await machines.end();
  // A guest goes a moment after its machine process.
  rmSync(base, { recursive: true, maxRetries: 5 });
});

const sh = (script: string): readonly string[] => ['/bin/sh', '-c', script];

/** Prints what the guest was set up with. */
const SHOW = `ip -br -4 addr; ip -br link show eth0; ip link show eth0 | grep -o 'mtu [0-9]*'; ip route
cat /etc/resolv.conf /etc/hosts`;

/** Prints the first datagram that it gets, and who sent it. */
const DATAGRAM_SERVER = `
  use Socket; $| = 1; my $path = shift;
  socket my $s, AF_UNIX, SOCK_DGRAM, 0; bind $s, pack_sockaddr_un($path) or die; print "bound\\n";
  my $from = recv $s, my $text, 100, 0; print "$text from ", unpack_sockaddr_un($from), "\\n"; sleep 100`;

/** A machine with one interface. */
function onLink(backend: SpecBackend, script: string, guest: Partial<GuestInterface> = {}): MachineOptions {
  return {
    network: {
      interfaces: [
        {
          mac: `02:00:00:00:00:0${guest.gateway === undefined ? 1 : 2}`,
          offloading: false,
          dhcp: false,
          backend,
        },
      ],
      hostPorts: [],
    },
    guest: bootstrapGuest({
      command: sh(script),
      network: {
        interfaces: [{ device: 'eth0', mtu: 1400, address: '10.9.0.2/24', ...guest }],
        nameservers: ['10.9.0.1'],
        searchDomains: ['krun.internal'],
        hosts: [{ ip: '10.9.0.254', names: ['host.krun.internal'] }],
      },
    }),
  };
}

/** Joins the two machines that connect to it, as a cable would. */
async function cable(name: string): Promise<{ readonly path: string; close(): void }> {
  const ends: net.Socket[] = [];
  const server = net.createServer((socket) => {
    // A machine that ends cuts it.
    socket.on('error', () => socket.destroy());
    ends.push(socket);
    const [first, second] = ends;
    if (!first || !second) return;
    first.pipe(second).pipe(first);
  });
  const file = path.join(base, name);
  await new Promise<void>((resolve) => {
    server.listen(file, resolve);
  });
  return {
    path: file,
    close: () => {
      for (const end of ends) end.destroy();
      server.close();
    },
  };
}

describe('a guest with an interface', () => {
  it('has what it was told, and its peer in reach', async () => {
    const link = await cable('l');
    const backend = { kind: 'unixstream', path: link.path } as const;
    const db = machines.start('db', {
      ...onLink(backend, `echo page >${base}/index.html; busybox httpd -p 80 -h ${base}; sleep 100`, {
        address: '10.9.0.1/24',
      }),
    });
    const web = machines.start(
      'web',
      onLink(backend, `${SHOW}; until busybox wget -q -O - http://10.9.0.1/; do :; done`, {
        gateway: '10.9.0.1',
      }),
    );
    expect(await web.outcome(), db.text('console') + web.text('console')).toBe(
      '{"kind":"exited","exit":{"code":0}}',
    );
    link.close();
    expect(web.text('stdout').replaceAll(/ +/g, ' ')).toMatch(
      new RegExp(`^lo UNKNOWN 127.0.0.1/8 \neth0 UNKNOWN 10.9.0.2/24 \neth0 UNKNOWN 02:00:00:00:00:02 .*
mtu 1400
default via 10.9.0.1 dev eth0 
10.9.0.0/24 dev eth0 proto kernel scope link src 10.9.0.2 
search krun.internal
nameserver 10.9.0.1
127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
10.9.0.2 web
10.9.0.254 host.krun.internal
[^]*page\n$`),
    );
  });
});

describe('a datagram socket', () => {
  it("is greeted, and libkrun's own socket beside it goes with a machine that is ended", async () => {
    const file = path.join(base, 'gv.sock');
    const server = spawn('perl', ['-e', DATAGRAM_SERVER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = server.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
    expect((await said.next()).value).toBe('bound\n');
    const web = machines.start(
      'web',
      onLink({ kind: 'unixgram', path: file, vfkitMagic: true }, 'echo up; sleep 100'),
    );
    expect((await said.next()).value).toBe(`VFKT from ${file}-krun.sock\n`);
    await web.wrote('stdout', 'up');
    await web.request('POST', { state: 'HardStop' });
    await web.exited;
    expect(existsSync(`${file}-krun.sock`)).toBe(false);
    server.kill();
  });
});

describe('a link that cannot be opened', () => {
  const refused = async (backend: SpecBackend): Promise<string> => {
    const machine = machines.start('web', onLink(backend, 'true'));
    const outcome = await machine.outcome();
    expect(machine.text('status')).not.toContain('krun-start');
    return outcome;
  };

  it('is told before there is a guest', async () => {
    expect(await refused({ kind: 'unixstream', path: path.join(base, 'none') })).toBe(
      '{"kind":"failed","reason":"the socket of eth0, BASE/none, does not exist","hint":"the process of the network has ended; `krun up` starts it again"}',
    );
  });

  it('is told where nobody serves it any more', async () => {
    const file = path.join(base, 'sub/left');
    mkdirSync(path.dirname(file));
    const server = net.createServer().listen(file);
    await once(server, 'listening');
    renameSync(file, `${file}.kept`);
    server.close();
    expect(await refused({ kind: 'unixgram', path: `${file}.kept`, vfkitMagic: false })).toBe(
      '{"kind":"failed","reason":"the socket of eth0, BASE/sub/left.kept, has nobody who serves it","hint":"start the program that serves it first; krun does not run it for this driver"}',
    );
  });

  it('is told where it is of the other kind', async () => {
    const link = await cable('l');
    expect(await refused({ kind: 'unixgram', path: link.path, vfkitMagic: false })).toBe(
      '{"kind":"failed","reason":"the socket of eth0, BASE/l, is not a datagram socket","hint":"`driver: unixstream` is for the other kind"}',
    );
    link.close();
  });

  it('is told where its path is too long for libkrun', async () => {
    const file = path.join(base, 'x'.repeat(100));
    expect(await refused({ kind: 'unixgram', path: file, vfkitMagic: true })).toContain(
      'libkrun can use at most 97',
    );
  });

  it.each([
    ['krun-none', 'eth0: there is no tap device krun-none'],
    ['lo', 'eth0: lo is not a tap device'],
    ['a-name-of-16-byte', "eth0: 'a-name-of-16-byte' is no name of a tap device, which has 1 to 15 bytes"],
  ])('is told for the tap device %s', async (name, reason) => {
    expect(await refused({ kind: 'tap', interface: name })).toContain(`"reason":"${reason}"`);
  });
});

const ip = programPath('ip');

describe.skipIf(!ip || process.getuid?.() !== 0)('a tap device', () => {
  const device = `kt${process.pid}`;
  const sudo = (...args: readonly string[]): unknown => execFileSync(ip ?? '', args);
  beforeEach(() => sudo('tuntap', 'add', 'dev', device, 'mode', 'tap', 'vnet_hdr'));
  afterEach(() => sudo('link', 'del', device));
  const backend = { kind: 'tap', interface: device } as const;

  it('carries frames between host and guest, for one machine at a time', async () => {
    sudo('addr', 'add', '10.9.0.1/24', 'dev', device);
    sudo('link', 'set', device, 'up');
    const serve = `echo page >${base}/index.html; busybox httpd -p 80 -h ${base}; echo up; sleep 100`;
    const web = machines.start('web', onLink(backend, serve));
    await web.wrote('stdout', 'up');
    expect(await (await fetch('http://10.9.0.2/')).text()).toBe('page\n');
    const second = machines.start('db', onLink(backend, 'true'));
    expect(await second.outcome()).toContain(
      `"reason":"eth0: tap device ${device} is in use by another program","hint":"stop it, or give this machine a tap device of its own"`,
    );
  });

  it('that is down is told, because no frame would pass', async () => {
    expect(await machines.start('web', onLink(backend, 'true')).outcome()).toContain(
      `"reason":"eth0: tap device ${device} is down","hint":"\`sudo ip link set ${device} up\`"`,
    );
  });
});

describe('a link that is closed while the guest runs', () => {
  it('is seen in what libkrun prints', async () => {
    const link = await cable('l');
    const web = machines.start('web', onLink({ kind: 'unixstream', path: link.path }, 'echo up; sleep 100'));
    await web.wrote('stdout', 'up');
    link.close();
    await web.wrote('console', 'VIRTIO-NET FATAL');
    expect(hangOutcome(web.text('console'))).toMatchObject({
      reason: 'the guest lost its network: what served it has ended',
    });
  });
});
