import {
  firstMember,
  formatIpv4,
  formatSubnet,
  gatewayAddress,
  hostAddress,
  type Subnet,
} from '../base/ipv4.ts';
import { GVPROXY_WITH_SUBNETS } from '../project/helpers.ts';
import type { Refusal } from './api.ts';
import { GATEWAY_MAC } from './gateway-mac.ts';

/** What one gvproxy is started with. */
export interface GvproxySettings {
  readonly sockets: { readonly gvproxyApi: string; readonly gvproxyLink: string };
  readonly subnet: Subnet;
  readonly mtu: number;
}

export interface GvproxyCommand {
  readonly args: readonly string[];
  /** Text of the file that `-config` names. */
  readonly config?: string;
}

/** The network that gvproxy has without a configuration file. */
const OWN_SUBNET = '192.168.127.0/24';

export function needsConfig({ subnet }: Pick<GvproxySettings, 'subnet'>): boolean {
  return formatSubnet(subnet) !== OWN_SUBNET;
}

/** Arguments, and the configuration file where the subnet needs one. */
export function gvproxyCommand(settings: GvproxySettings, configFile: string): GvproxyCommand {
  const { sockets, mtu } = settings;
  const listen = `unix://${sockets.gvproxyApi}`;
  const qemu = `unix://${sockets.gvproxyLink}`;
  // Without the last two, gvproxy takes port 2222 of the host for an SSH server in a guest.
  const args = ['-listen', listen, '-listen-qemu', qemu, '-mtu', String(mtu), '-ssh-port', '-1'];
  if (!needsConfig(settings)) return { args };
  const config = { listen: [listen], interfaces: { qemu }, stack: stackOf(settings) };
  // YAML is a superset of JSON.
  return { args: ['-config', configFile], config: `${JSON.stringify(config, undefined, 2)}\n` };
}

function stackOf({ subnet, mtu }: GvproxySettings): object {
  const host = formatIpv4(hostAddress(subnet));
  return {
    mtu,
    subnet: formatSubnet(subnet),
    gatewayIP: formatIpv4(gatewayAddress(subnet)),
    gatewayMacAddress: GATEWAY_MAC,
    // An address for the one guest that gvproxy is made for; krun's switch deals its own.
    deviceIP: formatIpv4(firstMember(subnet)),
    hostIP: host,
    nat: { [host]: '127.0.0.1' },
  };
}

/** Why gvproxy ended before it was ready, from the last of its output: it exits with 0 for nearly every failure. */
export function explainGvproxy(output: string, ending: string): Refusal {
  const known = REASONS.find(({ pattern }) => pattern.test(output));
  if (known) return { message: `gvproxy cannot start: ${known.message}`, hint: known.hint };
  const last = output.trim().split('\n').at(-1)?.trim();
  const said = last ? `; its last line: ${last}` : ' without a word';
  return {
    message: `gvproxy ended before it was ready (${ending})${said}`,
    hint: 'run it by hand with `-version`; KRUN_GVPROXY names another one',
  };
}

const REASONS: readonly { readonly pattern: RegExp; readonly message: string; readonly hint: string }[] = [
  {
    pattern: /flag provided but not defined: -config/,
    message: `it takes no configuration file, which another subnet than ${OWN_SUBNET} needs`,
    hint: `install gvproxy ${GVPROXY_WITH_SUBNETS} or newer, or use the subnet ${OWN_SUBNET}`,
  },
  {
    pattern: /flag provided but not defined: (-\S+)/,
    message: 'it does not know the options that krun needs',
    hint: 'install gvproxy 0.8.0 or newer',
  },
  {
    pattern: /bind: invalid argument/,
    message: 'the paths of its sockets are too long for the system',
    hint: 'set XDG_RUNTIME_DIR to a short path',
  },
  {
    pattern: /(bind: address already in use|already exists)/,
    message: 'another process has its sockets open',
    hint: 'another krun runs this network; `krun down` ends it',
  },
  {
    pattern: /(permission denied|operation not permitted)/,
    message: 'the system does not let it make its sockets',
    hint: 'look at the owner and mode of the runtime directory',
  },
  {
    pattern: /no space left on device/,
    message: 'the disk is full',
    hint: 'free some space',
  },
];
