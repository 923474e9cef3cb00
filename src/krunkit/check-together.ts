import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { devicesOf, type KrunkitOptions } from './options.ts';

/**
 * Mistakes that only several arguments together make; libkrun would refuse them, or quietly use one of two.
 */
export function checkTogether(options: KrunkitOptions): readonly Diagnostic[] {
  const vsock = devicesOf(options, 'vsock');
  const ports = vsock.map(({ port }) => port);
  if (options.timesyncPort !== undefined) ports.push(options.timesyncPort);
  const fds = devicesOf(options, 'net').flatMap(({ peer }) => ('fd' in peer ? [peer.fd] : []));
  return [
    ...repeated(ports).map((port) =>
      conflict(
        `vsock port ${port} is used twice`,
        'give each virtio-vsock, and --timesync, a port of its own',
      ),
    ),
    ...repeated(vsock.filter(({ listener }) => listener === 'guest').map(({ path }) => path)).map((path) =>
      conflict(`two virtio-vsock devices make the socket ${path}`, 'give each a `socketURL` of its own'),
    ),
    ...repeated(devicesOf(options, 'share').map(({ tag }) => tag)).map((tag) =>
      conflict(
        `two virtio-fs devices have the mountTag \`${tag}\``,
        'the guest would find the first one only',
      ),
    ),
    ...repeated(devicesOf(options, 'disk').map(({ path }) => path)).map((path) =>
      conflict(`the image ${path} is attached twice`, 'two writers destroy an image; remove one virtio-blk'),
    ),
    ...repeated(fds).map((fd) => conflict(`descriptor ${fd} serves two interfaces`, 'give each its own')),
    ...serialProblems(options),
  ];
}

function serialProblems(options: KrunkitOptions): readonly Diagnostic[] {
  const count = devicesOf(options, 'serial').length;
  return count < 2
    ? []
    : [conflict(`there are ${count} virtio-serial devices`, 'libkrun has one console: remove the others')];
}

function conflict(message: string, hint: string): Diagnostic {
  return errorDiagnostic('conflict', message, { hint });
}

/** Each value that is there more than once. */
function repeated<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}
