import type { OverlayConfig, OverlayDirectoryConfig, OverlayFileConfig } from '../config/schema.gen.ts';
import type { Overlay, OverlayDirectory, OverlayFile } from './boot.ts';
import { reservedGuestPath, resolveGuestPath } from './guest-path.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import type { Place } from './place.ts';
import { boolOr, parseMode } from './scalars.ts';

const READABLE = 0o644;
const ENTERABLE = 0o755;
/** What libkrun itself lays over a root. */
const OWN_FILE = 'init.krun';

/** What the guest sees on top of its root; undefined for nothing. */
export function resolveOverlay(
  config: OverlayConfig | undefined,
  scope: HostScope,
  at: Place,
): Overlay | undefined {
  const { directories = [], files = [] } = config ?? {};
  if (directories.length + files.length === 0) return undefined;
  const written: Written[] = [];
  const pathOf = (path: string, place: Place): string => {
    const resolved = resolvePath(path, place);
    written.push({ path: resolved, place });
    return resolved;
  };
  const overlay = {
    directories: directories
      .map((entry, index) =>
        resolveDirectory(entry, pathOf(entry.path, at.child('directories', index, 'path'))),
      )
      .toSorted(byPath),
    files: files
      .map((entry, index) => {
        const place = at.child('files', index);
        return resolveFile(entry, pathOf(entry.path, place.child('path')), scope, place);
      })
      .toSorted(byPath),
  };
  checkParents(written, new Set(overlay.directories.map(({ path }) => path)));
  return overlay;
}

/** Relative to the root. */
function resolvePath(path: string, at: Place): string {
  const normal = resolveGuestPath(path, at);
  const reserved = reservedGuestPath(normal);
  if (reserved === '/') {
    at.error('path', 'the root itself cannot be part of its overlay', { hint: 'name something below it' });
  } else if (normal === `/${OWN_FILE}`) {
    at.error('path', `libkrun's init is at /${OWN_FILE}`, { hint: 'replace it with `boot: { init: FILE }`' });
  } else if (reserved !== undefined && reserved !== normal) {
    at.error('path', `the guest's kernel mounts over ${reserved}: nothing below it can be seen`);
  }
  return normal.slice(1);
}

function resolveDirectory({ mode }: OverlayDirectoryConfig, path: string): OverlayDirectory {
  return { path, mode: mode === undefined ? ENTERABLE : parseMode(mode) };
}

function resolveFile(config: OverlayFileConfig, path: string, scope: HostScope, at: Place): OverlayFile {
  const { content = '', source, mode, one_shot: oneShot } = config;
  return {
    path,
    source:
      source === undefined
        ? { kind: 'content', content }
        : { kind: 'file', path: resolveHostPath(source, scope, at.child('source')) },
    mode: mode === undefined ? READABLE : parseMode(mode),
    isOneShot: boolOr(oneShot, false),
  };
}

interface Written {
  readonly path: string;
  readonly place: Place;
}

/** libkrun knows the overlay's own directories only: a directory of the root is nobody's parent in it. */
function checkParents(written: readonly Written[], directories: ReadonlySet<string>): void {
  const seen = new Map<string, Place>();
  for (const { path, place } of written) {
    const first = seen.get(path);
    if (first) {
      place.error('conflict', `/${path} is in the overlay twice`, {
        related: [{ message: 'the first time is here', span: first.valueSpan }],
      });
    }
    seen.set(path, place);
    const parent = path.split('/').slice(0, -1).join('/');
    if (parent === '' || directories.has(parent) || reservedGuestPath(`/${path}`) !== undefined) continue;
    place.error('path', `/${parent} is no directory of the overlay`, {
      hint: `add it to \`directories\`, where it hides a /${parent} of the root, or put this directly below /`,
    });
  }
}

/** Parents come before what is in them. */
function byPath(left: { readonly path: string }, right: { readonly path: string }): number {
  return left.path < right.path ? -1 : 1;
}
