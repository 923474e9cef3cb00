import { errorDiagnostic } from '../base/diagnostic.ts';
import { CTX, type CallList } from './call-list.ts';
import { NET_COMPAT_FEATURES, NET_FEATURES, NET_FLAGS, TSI_HIJACK } from './constants.ts';
import { isAtLeast } from './functions.ts';
import type { VmInterface, VmNetwork } from './vm.ts';

const OFFLOADING = NET_COMPAT_FEATURES.reduce((sum, name) => sum + NET_FEATURES[name], 0);

/** The calls for vsock, sockets of the host and interfaces. */
export function addNetwork(list: CallList, network: VmNetwork): void {
  // Before the interfaces: libkrun refuses a port map after one.
  addVsock(list, network);
  network.interfaces.forEach((entry, index) => addInterface(list, entry, index));
}

function addVsock(list: CallList, { vsock, portMap, vsockPorts = [] }: VmNetwork): void {
  if (vsock !== 'implicit') list.add('krun_disable_implicit_vsock', CTX);
  if (typeof vsock === 'object') addHijack(list, vsock.hijack);
  if (portMap)
    list.add(
      'krun_set_port_map',
      CTX,
      portMap.map(({ host, guest }) => `${host}:${guest}`),
    );
  for (const { port, path, listener } of vsockPorts)
    list.add('krun_add_vsock_port2', CTX, port, path, listener === 'guest');
}

function addHijack(list: CallList, hijack: readonly ('inet' | 'unix')[]): void {
  const families = [...new Set(hijack)];
  list.add(
    'krun_add_vsock',
    CTX,
    families.reduce((sum, family) => sum + TSI_HIJACK[family], 0),
  );
  if (!families.includes('unix') || list.capabilities.os === 'linux') return;
  list.reject(
    errorDiagnostic('capability', 'libkrun passes unix sockets on to the host on Linux only', {
      hint: 'remove `unix` from `hijack`',
    }),
  );
}

function addInterface(list: CallList, entry: VmInterface, index: number): void {
  const { backend, mac } = entry;
  const features = entry.offloading ? OFFLOADING : 0;
  const flags = dhcpFlag(list, entry, index);
  if (backend.kind === 'tap') {
    list.add('krun_add_net_tap', CTX, backend.interface, mac, features, flags);
    return;
  }
  const [path, fd] = 'fd' in backend ? [null, backend.fd] : [backend.path, -1];
  const magic = 'vfkitMagic' in backend && backend.vfkitMagic ? NET_FLAGS.vfkit : 0;
  const name = backend.kind === 'unixgram' ? 'krun_add_net_unixgram' : 'krun_add_net_unixstream';
  list.add(name, CTX, path, fd, mac, features, flags + magic);
}

/** libkrun's init asks for an address since 1.18, and for eth0 only. */
function dhcpFlag(list: CallList, { dhcp }: VmInterface, index: number): number {
  return dhcp && index === 0 && isAtLeast('1.18', list) ? NET_FLAGS.dhcp_client : 0;
}
