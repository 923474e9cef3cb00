import type { Span } from '../base/diagnostic.ts';
import type { ResolvedMachine } from './machine.ts';
import type { Place } from './place.ts';

/** Something that krun makes on the host for a machine. */
interface MadePlace {
  readonly path: string;
  readonly span: Span;
  readonly at: Place;
  readonly isPublished: boolean;
  readonly machine: string;
}

/** Reports paths of the host at which two sockets or terminals would be; published ports look after each other. */
export function checkHostPlaces(machines: readonly ResolvedMachine[]): void {
  const seen = new Map<string, MadePlace>();
  for (const place of machines.flatMap(madePlaces)) {
    const first = seen.get(place.path);
    if (!first) seen.set(place.path, place);
    else if (!first.isPublished || !place.isPublished) reportSecond(first, place);
  }
}

function reportSecond(first: MadePlace, second: MadePlace): void {
  const where = first.machine === second.machine ? '' : `, in \`${first.machine}\``;
  second.at.error('conflict', 'krun would make two things at this path', {
    span: second.span,
    related: [{ message: `the first is here${where}`, span: first.span }],
    hint: 'give each its own path',
  });
}

function madePlaces({ machine, at }: ResolvedMachine): readonly MadePlace[] {
  const { devices, ports, name } = machine;
  const vsock = at.child('vsock');
  const console = at.child('console', 'ports');
  const common = { machine: name, isPublished: false };
  return [
    ...(devices?.vsock ?? []).flatMap(({ socket, listener, port }) =>
      listener === 'guest'
        ? [{ ...common, path: socket, at: vsock, span: vsock.originOf(String(port)) }]
        : [],
    ),
    ...(devices?.consolePorts ?? []).map(({ name: port, path }) => ({
      ...common,
      path,
      at: console,
      span: console.originOf(port),
    })),
    ...ports.flatMap((port) => {
      if (!('socket' in port)) return [];
      const place = at.child('ports');
      return [{ ...common, isPublished: true, path: port.socket, at: place, span: place.valueSpan }];
    }),
  ];
}
