import type { Place } from './place.ts';

/** A machine whose sockets are the host's. */
export interface Exposed {
  readonly machine: string;
  readonly place: Place;
  /** Why it is on TSI, where krun chose it. */
  readonly why: string | undefined;
}

/** Warns of what TSI opens: krun otherwise promises that nothing listens beyond loopback unless the file says so. */
export function warnOfExposure(exposed: readonly Exposed[]): void {
  for (const { machine, place, why } of exposed) {
    const cause = why === undefined ? '' : `TSI carries the network (${why}): `;
    place.warning(
      'network-exposure',
      `${cause}every port on which the guest of \`${machine}\` listens is open on the host, at the address that the guest binds`,
      {
        span: place.keySpan,
        hint: 'let programs in the guest bind 127.0.0.1, unless others shall reach them',
      },
    );
  }
  const [first, ...others] = exposed;
  if (!first || others.length === 0) return;
  first.place.warning(
    'network-exposure',
    `${exposed.length} machines share the ports of the host: two that listen on one port get each other's connections`,
    {
      span: first.place.keySpan,
      related: others.map(({ machine, place }) => ({
        message: `\`${machine}\` is another`,
        span: place.keySpan,
      })),
      hint: 'let each of them listen on ports of its own',
    },
  );
}
