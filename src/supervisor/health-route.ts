import net from 'node:net';
import { err, ok, type Result } from '../base/result.ts';
import { NetworkClient } from '../network/client.ts';
import { portCarrier } from '../project/port-carrier.ts';
import type { Machine } from '../project/project.ts';
import { machineLayout, networkLayout, type Layout } from '../store/layout.ts';
import type { Endpoint } from '../store/records.ts';
import { askState } from './control-client.ts';

/** How the host gets to a TCP port of a guest. */
export type Route =
  /** Through krun's switch, which sees whether the guest itself accepts. */
  | {
      readonly kind: 'network';
      readonly controlSocket: string;
      readonly machine: string;
      readonly port: number;
    }
  /** The guest has an address of the host's world. */
  | { readonly kind: 'address'; readonly host: string; readonly port: number }
  /** Somebody accepts in the guest's place, and closes when the guest does not. */
  | {
      readonly kind: 'published';
      readonly host: string;
      readonly port: number;
      /** Of the machine process, through which the connection goes. */
      readonly controlSocket: string;
    };

/** The way to a port; why there is none otherwise. */
export function routeTo(
  port: number,
  { layout, definition, endpoint }: { layout: Layout; definition: Machine; endpoint: Endpoint | undefined },
): Result<Route, string> {
  const { name } = definition;
  const carrier = portCarrier(definition.networks);
  if (!carrier) return err('the machine has no network through which krun reaches it');
  const { network } = carrier;
  if (network.driver === 'gvproxy') {
    const { controlSocket } = networkLayout(layout, network.name);
    return ok({ kind: 'network', controlSocket, machine: name, port });
  }
  if (network.driver === 'passt' || network.driver === 'tsi') {
    const published = endpoint?.ports.find((one) => one.guest === port && one.protocol === 'tcp');
    if (!published || !('host' in published)) return err(`port ${port} is not published`);
    const { controlSocket } = machineLayout(layout, name);
    return ok({ kind: 'published', host: dialable(published.hostIp), port: published.host, controlSocket });
  }
  const ip = endpoint?.interfaces.find((one) => one.network === network.name)?.ip;
  return ip === undefined
    ? err(`krun does not know the address of the machine on network ${network.name}`)
    : ok({ kind: 'address', host: ip, port });
}

/** Where to connect to, for an address on which somebody listens. */
function dialable(hostIp: string | undefined): string {
  if (hostIp === undefined || hostIp === '0.0.0.0') return '127.0.0.1';
  return hostIp === '::' ? '::1' : hostIp;
}

/** A connection to the guest's port; why there is none otherwise. Rejects with the signal's reason. */
export async function connectRoute(route: Route, signal: AbortSignal): Promise<Result<net.Socket, string>> {
  if (route.kind === 'network') {
    const tunnel = await new NetworkClient(route.controlSocket).openTunnel(route.machine, route.port, signal);
    signal.throwIfAborted();
    return tunnel.ok ? tunnel : err(tunnel.error.message);
  }
  if (route.kind === 'published' && (await askState(route.controlSocket)) !== 'done') {
    return err('the machine process does not answer');
  }
  return dial(route, signal);
}

function dial(
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Result<net.Socket, string>> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port });
    const abort = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', abort, { once: true });
    const settle = (result: Result<net.Socket, string>): void => {
      signal.removeEventListener('abort', abort);
      resolve(result);
    };
    socket.once('connect', () => settle(ok(socket)));
    // Stays: a connection that breaks later is told by 'close'.
    socket.on('error', (error: NodeJS.ErrnoException) => settle(err(describe(error, host, port))));
  });
}

function describe(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === 'ECONNREFUSED') return `nothing listens on port ${port}`;
  return `cannot connect to ${host}:${port}: ${error.code ?? error.message}`;
}
