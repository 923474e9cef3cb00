import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tryLock } from './flock.ts';

/** Who publishes a host port; the text of its lock file. */
export interface PortOwner {
  readonly machine: string;
  readonly project: string;
  /** The process that holds the lock. */
  readonly pid: number;
}

export type PortLock =
  /** Until the file descriptor is closed, or the process ends. */
  { readonly held: true; readonly fd: number } | { readonly held: false; readonly owner?: PortOwner };

/** The lock of a host port among all machines of the user; `directory` is the runtime directory of any project. */
export function portLockFile(
  directory: string,
  { host, protocol }: { readonly host: number; readonly protocol: 'tcp' | 'udp' },
): string {
  // The projects' directories have this one in common.
  return path.join(path.dirname(directory), `port-${host}${protocol === 'tcp' ? '' : `-${protocol}`}`);
}

/**
 * Takes a host port for a machine. libkrun binds a port only when the guest listens, and so that others can bind it too:
 * of two machines that start at the same time, neither would see the other's.
 */
export function lockPort(file: string, owner: PortOwner): PortLock {
  const lock = tryLock(file, 'exclusive', true);
  if (lock.held) {
    writeFileSync(file, JSON.stringify(owner));
    return lock;
  }
  const known = readOwner(file);
  return known ? { held: false, owner: known } : lock;
}

/** `machine web of project shop (process 12)`. */
export function ownerText({ machine, project, pid }: PortOwner): string {
  return `machine ${machine} of project ${project} (process ${pid})`;
}

/** Undefined where its holder has not said it yet. */
function readOwner(file: string): PortOwner | undefined {
  const text = readFileSync(file, 'utf8');
  try {
    return JSON.parse(text) as PortOwner;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
