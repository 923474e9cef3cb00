import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GuestInterface, SpecBackend } from '../../src/machine/spec.ts';
import { bootstrapGuest } from '../unit/machine/specs.ts';
import { MachineProcesses, type MachineOptions } from './support/machine-process.ts';

let base: string;
let machines: MachineProcesses;
beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'krun-mn-'));
  machines = new MachineProcesses(base);
});
afterEach(async () => {
  await machines.end();
  rmSync(base, { recursive: true });
});

const sh = (script: string): readonly string[] => ['/bin/sh', '-c', script];

/** Prints what the guest was set up with. */
const SHOW = `ip -br -4 addr; ip -br link show eth0; ip link show eth0 | grep -o 'mtu [0-9]*'; ip route
cat /etc/resolv.conf /etc/hosts`;

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
