import { isAtLeast, type LibkrunFunction } from './functions.ts';

/** libkrun before 1.19 binds a socket of its own beside that of a datagram backend, with this behind its path. */
export const OWN_SOCKET_SUFFIX = '-krun.sock';

/** The suffix that a library puts there; since 1.19 its names are in the temporary directory. */
export function ownSocketSuffix(library: { has(name: LibkrunFunction): boolean }): string {
  return isAtLeast('1.19', library) ? '' : OWN_SOCKET_SUFFIX;
}
