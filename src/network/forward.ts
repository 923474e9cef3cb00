import { isIPv6 } from 'node:net';
import type { BoundPort } from './api.ts';

/** One published port or socket, as whoever carries it sees it. */
export type Forward = {
  /** Address and port of the guest. */
  readonly guestIp: string;
  readonly guestPort: number;
} & HostSide;

type HostSide =
  | { readonly protocol: 'tcp' | 'udp'; readonly hostIp: string; readonly hostPort: number }
  | { readonly protocol: 'unix'; readonly socket: string };

/** Addresses of the host that a port without one is published on. */
const LOOPBACK = '127.0.0.1';

export function forwardOf(port: BoundPort, guestIp: string): Forward {
  const guest = { guestIp, guestPort: port.guest };
  if ('socket' in port) return { ...guest, protocol: 'unix', socket: port.socket };
  return { ...guest, protocol: port.protocol, hostIp: port.hostIp ?? LOOPBACK, hostPort: port.host };
}

/** `127.0.0.1:8080`, `[::1]:8080`, or the path of a socket. */
export function localAddress(forward: Forward): string {
  return forward.protocol === 'unix' ? forward.socket : joined(forward.hostIp, forward.hostPort);
}

export function guestAddress({ guestIp, guestPort }: Forward): string {
  return joined(guestIp, guestPort);
}

/** Tells host sides apart; equal for two forwards of which only one can be. */
export function forwardKey(forward: Forward): string {
  return `${forward.protocol} ${localAddress(forward)}`;
}

/** For messages: `host port 127.0.0.1:53 (udp)`. */
export function describeHostSide(forward: Forward): string {
  if (forward.protocol === 'unix') return `host socket ${forward.socket}`;
  const protocol = forward.protocol === 'udp' ? ' (udp)' : '';
  return `host port ${localAddress(forward)}${protocol}`;
}

function joined(ip: string, port: number): string {
  return isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`;
}
