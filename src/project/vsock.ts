import type { VsockConfig } from '../config/schema.gen.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import type { Place } from './place.ts';
import type { VsockPort } from './project.ts';
import { checkSocketPath } from './socket-path.ts';

/** VMADDR_PORT_ANY: a program that binds it gets any port. */
const ANY_PORT = 4_294_967_295;

/** The vsock ports of a machine, by number. */
export function resolveVsock(
  configs: readonly VsockConfig[],
  scope: HostScope,
  at: Place,
): readonly VsockPort[] {
  const places = new Map<number, Place>();
  const ports = configs.map((config, index) => {
    const place = at.child(index);
    const port = resolveVsockPort(config, scope, place);
    const first = places.get(port.port);
    if (first) reportSecond(port.port, place, first);
    else places.set(port.port, place);
    place.isOriginOf(at.path, String(port.port));
    return port;
  });
  return ports.toSorted((a, b) => a.port - b.port);
}

function resolveVsockPort(config: VsockConfig, scope: HostScope, at: Place): VsockPort {
  const port = Number(config.port);
  if (port >= ANY_PORT) {
    at.child('port').error('invalid-value', `${port} is no vsock port`, {
      hint: `ports end at ${ANY_PORT - 1}; the last number stands for any port`,
    });
  }
  const socket = resolveHostPath(config.socket, scope, at.child('socket'));
  // libkrun's thread panics on a path that the system does not take.
  checkSocketPath(socket, at.child('socket'));
  return { port, socket, listener: config.direction === 'listen' ? 'guest' : 'host' };
}

function reportSecond(port: number, place: Place, first: Place): void {
  place.child('port').error('conflict', `vsock port ${port} leads to two sockets`, {
    related: [{ message: 'the first is here', span: first.child('port').valueSpan }],
    hint: 'give each its own port',
  });
}
