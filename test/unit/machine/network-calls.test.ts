import { describe, expect, it } from 'vitest';
import { formatCall } from '../../../src/vm/calls.ts';
import { calls } from '../../../src/machine/configure.ts';
import type { Capabilities } from '../../../src/vm/call-list.ts';
import type { SpecBackend, SpecInterface, SpecNetwork } from '../../../src/machine/spec.ts';
import { LIBKRUN_1_17, LIBKRUN_1_18, machineSpec, without } from './specs.ts';

/** The calls about networks, or what keeps them from being made. */
function networkCalls(network: Partial<SpecNetwork>, capabilities: Capabilities = LIBKRUN_1_17): string {
  const spec = machineSpec({ network: { interfaces: [], hostPorts: [], ...network } });
  const result = calls(spec, capabilities);
  if (!result.ok) return result.error.map(({ message, hint }) => `${message}\n  ${hint ?? ''}`).join('\n');
  const about = /^krun_(add_net|add_vsock|set_port_map|disable_implicit_vsock)/;
  return result.value
    .map(formatCall)
    .filter((text) => about.test(text))
    .join('\n');
}

function link(backend: SpecBackend, more: Partial<SpecInterface> = {}): SpecInterface {
  return { mac: '02:00:5e:10:00:01', offloading: false, dhcp: false, backend, ...more };
}

const STREAM = { kind: 'unixstream', path: '/r/l-web' } as const;
const TAP = { kind: 'tap', interface: 'krun0' } as const;
const GRAM = { kind: 'unixgram', path: '/r/gv.sock', vfkitMagic: true } as const;
const PASST = {
  kind: 'passt',
  program: '/usr/bin/passt',
  address: '192.168.127.2/24',
  gateway: '192.168.127.1',
  mtu: 1500,
  hostAccess: true,
  dns: [],
  dnsSearch: [],
  ports: [],
} as const;
const VMNET = {
  kind: 'vmnet-helper',
  program: '/opt/vmnet-helper',
  mode: 'shared',
  isolation: false,
  interfaceId: '6b2c1f9e-0d5a-5c1e-9a40-1f5f2b3c4d5e',
} as const;

describe('the calls for a network', () => {
  it('hand over a socket that is connected already, or a name', () => {
    const interfaces = [
      link(STREAM),
      link(PASST, { mac: '02:00:5e:10:00:02' }),
      link(VMNET, { mac: '02:00:5e:10:00:03' }),
      link(GRAM, { mac: '02:00:5e:10:00:04' }),
      link({ ...GRAM, vfkitMagic: false }, { mac: '02:00:5e:10:00:05' }),
      link(TAP, { mac: '02:00:5e:10:00:06' }),
    ];
    expect(networkCalls({ interfaces })).toMatchInlineSnapshot(`
      "krun_disable_implicit_vsock(ctx)
      krun_add_net_unixstream(ctx, null, <eth0>, "02:00:5e:10:00:01", 0, 0)
      krun_add_net_unixstream(ctx, null, <eth1>, "02:00:5e:10:00:02", 0, 0)
      krun_add_net_unixgram(ctx, null, <eth2>, "02:00:5e:10:00:03", 0, 0)
      krun_add_net_unixgram(ctx, "/r/gv.sock", -1, "02:00:5e:10:00:04", 0, 1)
      krun_add_net_unixgram(ctx, "/r/gv.sock", -1, "02:00:5e:10:00:05", 0, 0)
      krun_add_net_tap(ctx, "krun0", "02:00:5e:10:00:06", 0, 0)"
    `);
  });

  it("offer krunkit's features where the host is to compute", () => {
    const interfaces = [STREAM, GRAM, TAP].map((backend) => link(backend, { offloading: true }));
    // 19587 is 0x4C83.
    expect(networkCalls({ interfaces })).toMatchInlineSnapshot(`
      "krun_disable_implicit_vsock(ctx)
      krun_add_net_unixstream(ctx, null, <eth0>, "02:00:5e:10:00:01", 19587, 0)
      krun_add_net_unixgram(ctx, "/r/gv.sock", -1, "02:00:5e:10:00:01", 19587, 1)
      krun_add_net_tap(ctx, "krun0", "02:00:5e:10:00:01", 19587, 0)"
    `);
  });

  it('ask libkrun for DHCP where it has it, on eth0, which is the only interface that it means', () => {
    const interfaces = [link(GRAM, { dhcp: true }), link(STREAM, { dhcp: true })];
    expect(networkCalls({ interfaces }, LIBKRUN_1_18)).toMatchInlineSnapshot(`
      "krun_disable_implicit_vsock(ctx)
      krun_add_net_unixgram(ctx, "/r/gv.sock", -1, "02:00:5e:10:00:01", 0, 3)
      krun_add_net_unixstream(ctx, null, <eth1>, "02:00:5e:10:00:01", 0, 0)"
    `);
    expect(networkCalls({ interfaces }, LIBKRUN_1_17)).toContain('"02:00:5e:10:00:01", 0, 1)');
  });

  it('say nothing of what libkrun does by itself for TSI', () => {
    const tsi = { hijack: ['inet'], ports: [{ host: 8080, guest: 80 }] } as const;
    expect(networkCalls({ tsi })).toBe('krun_set_port_map(ctx, ["8080:80"])');
  });

  it('choose the families of sockets, and put the ports before the interfaces', () => {
    const ports = [{ host: 8080, guest: 80 }];
    expect(networkCalls({ tsi: { hijack: ['inet', 'unix'], ports } })).toMatchInlineSnapshot(`
      "krun_disable_implicit_vsock(ctx)
      krun_add_vsock(ctx, 3)
      krun_set_port_map(ctx, ["8080:80"])"
    `);
    expect(networkCalls({ tsi: { hijack: ['unix'], ports: [] } })).toMatchInlineSnapshot(`
      "krun_disable_implicit_vsock(ctx)
      krun_add_vsock(ctx, 2)"
    `);
    expect(networkCalls({ tsi: { hijack: ['inet'], ports }, interfaces: [link(STREAM)] }))
      .toMatchInlineSnapshot(`
      "krun_disable_implicit_vsock(ctx)
      krun_add_vsock(ctx, 1)
      krun_set_port_map(ctx, ["8080:80"])
      krun_add_net_unixstream(ctx, null, <eth0>, "02:00:5e:10:00:01", 0, 0)"
    `);
  });
});

describe('a network that the library cannot make', () => {
  it('is one of unix sockets on macOS', () => {
    const tsi = { hijack: ['unix'], ports: [] } as const;
    expect(networkCalls({ tsi }, { ...LIBKRUN_1_18, os: 'darwin' })).toMatchInlineSnapshot(`
      "libkrun passes unix sockets on to the host on Linux only
        remove \`unix\` from \`hijack\`"
    `);
  });

  it('is any with interfaces where it was built without', () => {
    const bare = without('krun_add_net_unixstream', 'krun_add_net_unixgram', 'krun_add_net_tap');
    expect(networkCalls({ interfaces: [link(TAP)] }, bare)).toMatchInlineSnapshot(`
      "this libkrun was built without network interfaces (krun_add_net_tap is missing)
        use libkrun 1.15.0 or newer that was built with NET=1; \`krun doctor\` shows which one is used"
    `);
  });

  it('is one with more interfaces than a PC has interrupts for', () => {
    const interfaces = Array.from({ length: 7 }, () => link(STREAM));
    expect(networkCalls({ interfaces })).toMatchInlineSnapshot(`
      "the machine has 12 devices; libkrun has room for 11 on this processor: balloon, rng, console x 2, root file system, interface x 7
        put several directories below one share, or several file systems on one disk"
    `);
  });
});
