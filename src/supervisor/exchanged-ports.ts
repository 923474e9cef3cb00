import type { Machine } from '../project/project.ts';
import type { Endpoint } from '../store/records.ts';

/** What to say of ports that krun chooses, where one that it has kept so far was taken and another one had to do. */
export function exchangedPorts(
  { ports }: Machine,
  before: Endpoint | undefined,
  after: Endpoint | undefined,
): string | undefined {
  const hostPort = (endpoint: Endpoint | undefined, guest: number, protocol: string): number | undefined => {
    const found = endpoint?.ports.filter((port) => port.guest === guest && port.protocol === protocol) ?? [];
    const [only, ...others] = found.flatMap((port) => ('host' in port ? [port.host] : []));
    // Of several for one port of the guest, nobody can say which was exchanged for which.
    return others.length === 0 ? only : undefined;
  };
  const texts = ports.flatMap((port) => {
    if (!('host' in port) || port.host !== 'auto') return [];
    const { guest, protocol } = port;
    const [was, is] = [hostPort(before, guest, protocol), hostPort(after, guest, protocol)];
    if (was === undefined || is === undefined || was === is) return [];
    return [`port ${guest} is on ${is} of the host now, because ${was} is taken`];
  });
  return texts.length === 0 ? undefined : texts.join('; ');
}
