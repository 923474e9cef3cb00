import path from 'node:path';
import { formatIpv4, gatewayAddress, parseSubnet } from '../base/ipv4.ts';
import { GvproxyApi } from './gvproxy-api.ts';
import { GvproxyKeeper } from './gvproxy-keeper.ts';
import { startGvproxy } from './gvproxy-process.ts';
import { findGvproxy } from './gvproxy-program.ts';
import { GvproxyPublisher } from './gvproxy-publisher.ts';
import { hostAddresses } from './host-addresses.ts';
import type { NetworkLog } from './network-log.ts';
import { Links } from './links.ts';
import { Network } from './network.ts';
import { OwnPublisher } from './own-publisher.ts';
import { PublishedPorts } from './published-ports.ts';
import type { NetworkSpec, Uplink } from './spec.ts';
import { Switch } from './switch.ts';
import { NO_UPLINK } from './uplink.ts';

/** The network that a spec describes, not started yet. */
export function createNetwork(spec: NetworkSpec, log: NetworkLog): Network {
  const { uplink } = spec;
  if (uplink.kind === 'gvproxy') return gvproxyNetwork(spec, uplink, log);
  const ports = new PublishedPorts(new OwnPublisher(), (text) => log.say(text));
  return new Network({ run: spec.run, uplink: NO_UPLINK, ports });
}

function gvproxyNetwork(
  spec: NetworkSpec,
  { mtu, hostAccess, ...uplink }: Extract<Uplink, { kind: 'gvproxy' }>,
  log: NetworkLog,
): Network {
  const subnet = parseSubnet(uplink.subnet);
  if (!subnet) throw new Error(`the subnet ${uplink.subnet} of network ${spec.network} is none`);
  const say = (text: string): void => log.say(text);
  const settings = { sockets: spec.sockets, subnet, mtu };
  const api = new GvproxyApi(spec.sockets.gvproxyApi);
  const ports = new PublishedPorts(new GvproxyPublisher(api), say);
  const lan = new Switch({
    subnet,
    mtu,
    hostAccess,
    hostAddresses,
    nameservers: uplink.dns ?? [],
    searchDomains: uplink.dnsSearch ?? [],
    events: {
      linkUp: (member) => say(`machine ${member} is connected`),
      linkDown: (member, reason) => say(`machine ${member} is disconnected${reasonText(reason)}`),
    },
  });
  const keeper = new GvproxyKeeper({
    find: () => findGvproxy(spec.helpers, settings),
    start: (program, signal) => {
      const runDirectory = path.dirname(spec.identityFile);
      return startGvproxy({ program, settings, api, runDirectory, run: spec.run, log, signal });
    },
    api,
    events: {
      connected: (link) => lan.attachUplink(link),
      restore: () => ports.restore(),
      healthy: () => ports.retry(),
      say,
    },
  });
  return new Network({
    run: spec.run,
    gateway: formatIpv4(gatewayAddress(subnet)),
    uplink: keeper,
    ports,
    lan: {
      switch: lan,
      links: new Links((member, socket) => lan.attach(member, socket)),
      gvproxy: api,
    },
  });
}

function reasonText(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`;
}
