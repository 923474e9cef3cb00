import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { CTX, fd, type CallList } from './call-list.ts';
import type { CallArgument, LinkName } from './calls.ts';
import type { SpecInterface, SpecNetwork } from './spec.ts';

/**
 * CSUM, GUEST_CSUM, GUEST_TSO4, GUEST_UFO, HOST_TSO4 and HOST_UFO: what krunkit offers a guest whose host is to compute
 * checksums and cut segments.
 */
const OFFLOADING = 0x4c83;
const FLAG_VFKIT = 1;
const FLAG_DHCP_CLIENT = 2;
const HIJACK = { inet: 1, unix: 2 } as const;

/** How an interface's socket is named among the descriptors. */
export function linkName(index: number): LinkName {
  return `eth${index}`;
}

/** The calls for sockets of the host and for interfaces; returned are reasons why they cannot be made. */
export function addNetwork(script: CallList, network: SpecNetwork, os: string): readonly Diagnostic[] {
  // Before the interfaces: libkrun refuses a port map after one.
  const problems = addVsock(script, network, os);
  network.interfaces.forEach((entry, index) => addInterface(script, entry, index));
  return problems;
}

function addVsock(script: CallList, { tsi, interfaces }: SpecNetwork, os: string): readonly Diagnostic[] {
  const hijack = new Set(tsi?.hijack);
  // What libkrun does by itself for a guest without interfaces.
  const isImplicit = interfaces.length === 0 && hijack.size === 1 && hijack.has('inet');
  if (!isImplicit) script.add('krun_disable_implicit_vsock', CTX);
  if (!tsi) return [];
  const flags = [...hijack].reduce((sum, family) => sum + HIJACK[family], 0);
  if (!isImplicit) script.add('krun_add_vsock', CTX, flags);
  if (hijack.has('inet'))
    script.add(
      'krun_set_port_map',
      CTX,
      tsi.ports.map((port) => `${port.host}:${port.guest}`),
    );
  if (!hijack.has('unix') || os === 'linux') return [];
  const hint = 'remove `unix` from `hijack`';
  return [
    errorDiagnostic('capability', 'libkrun passes unix sockets on to the host on Linux only', { hint }),
  ];
}

function addInterface(script: CallList, entry: SpecInterface, index: number): void {
  const { backend, mac } = entry;
  const features = entry.offloading ? OFFLOADING : 0;
  const flags = dhcpFlag(script, entry, index);
  const socket = fd(linkName(index));
  const add = (name: 'krun_add_net_unixstream' | 'krun_add_net_unixgram', ...link: CallArgument[]): void =>
    script.add(name, CTX, ...link, mac, features, flags);
  switch (backend.kind) {
    case 'tap':
      return script.add('krun_add_net_tap', CTX, backend.interface, mac, features, flags);
    case 'unixgram':
      return script.add(
        'krun_add_net_unixgram',
        CTX,
        backend.path,
        -1,
        mac,
        features,
        flags + (backend.vfkitMagic ? FLAG_VFKIT : 0),
      );
    case 'vmnet-helper':
      return add('krun_add_net_unixgram', null, socket);
    case 'unixstream':
    case 'passt':
      return add('krun_add_net_unixstream', null, socket);
  }
}

/** libkrun's init asks for an address since 1.18, which brought krun_add_virtiofs3 too, and for eth0 only. */
function dhcpFlag(script: CallList, { dhcp }: SpecInterface, index: number): number {
  return dhcp && index === 0 && script.has('krun_add_virtiofs3') ? FLAG_DHCP_CLIENT : 0;
}
