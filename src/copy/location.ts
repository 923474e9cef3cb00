import { bytesOf } from './bytes.ts';

/** One side of `krun cp`. */
export type Location =
  | { readonly kind: 'stream' }
  | { readonly kind: 'host'; readonly path: string }
  | { readonly kind: 'guest'; readonly machine: string; readonly path: string };

/** Reads `MACHINE:PATH`, `PATH` or `-`; a path of the host with a colon begins with `/` or `.`. */
export function parseLocation(text: string): Location {
  if (text === '-') return { kind: 'stream' };
  const colon = text.indexOf(':');
  if (colon === -1 || text.startsWith('/') || text.startsWith('.')) return { kind: 'host', path: text };
  return { kind: 'guest', machine: text.slice(0, colon), path: text.slice(colon + 1) };
}

/** A path taken apart. All are byte strings. */
export interface ParsedPath {
  /** Absolute, without `.`, `..`, double slashes and a slash at the end. */
  readonly path: string;
  /** Its directory and its last part; that of `/` is empty. */
  readonly parent: string;
  readonly base: string;
  /** Whether it ends with `/` or `/.`: then it is a directory, and a link there is followed. */
  readonly assertsDirectory: boolean;
  /** Whether it ends with `/.`, or is `/`: then the contents are meant. */
  readonly meansContents: boolean;
}

/** A path as `docker cp` reads it; a relative one starts from that directory. */
export function parsePath(text: string, from: string): ParsedPath {
  const bytes = bytesOf(text);
  const parts: string[] = [];
  for (const part of (bytes.startsWith('/') ? bytes : `${bytesOf(from)}/${bytes}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const path = `/${parts.join('/')}`;
  const last = bytes.split('/').at(-1);
  return {
    path,
    parent: `/${parts.slice(0, -1).join('/')}`,
    base: parts.at(-1) ?? '',
    assertsDirectory: last === '' || last === '.' || path === '/',
    meansContents: last === '.' || path === '/',
  };
}
