// vmnet-helper's modes on macOS: what is to be started for each, and the machine's interface on its socket.
import { vm } from 'krun/builder';

/** The guest has an address of its own on the network: no ports are published, they are simply there. */
type Vmnet =
  | { readonly mode: 'shared'; readonly addresses?: Addresses }
  | { readonly mode: 'host'; readonly isolation: boolean }
  | { readonly mode: 'bridged'; readonly interface: string };

interface Addresses {
  readonly start: string;
  readonly end: string;
  readonly mask: string;
}

/** The helper's command line; it says on standard output when it is ready, and the machine is to start after that. */
function helperCommand(vmnet: Vmnet, socket: string): readonly string[] {
  const common = ['vmnet-helper', '--socket', socket, '--operation-mode', vmnet.mode];
  switch (vmnet.mode) {
    case 'shared': {
      if (!vmnet.addresses) return common;
      const { start, end, mask } = vmnet.addresses;
      return [...common, '--start-address', start, '--end-address', end, '--subnet-mask', mask];
    }
    case 'host':
      return [...common, ...(vmnet.isolation ? ['--enable-isolation'] : [])];
    case 'bridged':
      return [...common, '--shared-interface', vmnet.interface];
  }
}

const socket = '/tmp/vmnet.sock';
const networks: readonly Vmnet[] = [
  { mode: 'shared' },
  { mode: 'bridged', interface: 'en0' },
  { mode: 'host', isolation: true },
  { mode: 'shared', addresses: { start: '192.168.100.1', end: '192.168.100.254', mask: '255.255.255.0' } },
];
for (const vmnet of networks) console.log(helperCommand(vmnet, socket).join(' '));

const machine = vm('web')
  .fs((fs) => fs.root('/path/to/rootfs'))
  .net((n) => n.unixgramPath(socket).dhcp());
console.log(machine.build().formatCalls());
