import { closeSync } from 'node:fs';
import { lockPort, ownerText, portLockFile } from '../host/port-lock.ts';
import type { BoundHostPort, BoundPort } from '../network/api.ts';
import { ActionFailure } from './failure.ts';

/**
 * Locks on the host ports that network processes carry. They change while a machine runs, so it is not the machine's
 * process that holds them; where the supervisor is killed, the ports are still bound.
 */
export class PortClaims {
  readonly #directory: string;
  readonly #projectName: () => string;
  /** Open files of the locks, by machine and file. */
  readonly #held = new Map<string, Map<string, number>>();

  constructor(directory: string, projectName: () => string) {
    this.#directory = directory;
    this.#projectName = projectName;
  }

  /** Takes these ports for a machine, beside those that it has. Fails with nothing taken. */
  add(machine: string, ports: readonly BoundPort[]): void {
    const held = this.#held.get(machine) ?? new Map<string, number>();
    this.#held.set(machine, held);
    const added: string[] = [];
    for (const port of hostPorts(ports)) {
      const file = portLockFile(this.#directory, port);
      if (held.has(file)) continue;
      const lock = lockPort(file, { machine, project: this.#projectName(), pid: process.pid });
      if (!lock.held) {
        for (const other of added) this.#close(held, other);
        const by = lock.owner === undefined ? 'another machine' : ownerText(lock.owner);
        throw new ActionFailure(
          `host port ${portText(port)} of machine ${machine} is in use by ${by}`,
          'stop that machine or publish another port',
        );
      }
      held.set(file, lock.fd);
      added.push(file);
    }
  }

  /** Lets go of all that the machine has but these. */
  keepOnly(machine: string, ports: readonly BoundPort[]): void {
    const held = this.#held.get(machine);
    if (!held) return;
    const kept = new Set(hostPorts(ports).map((port) => portLockFile(this.#directory, port)));
    for (const file of held.keys()) if (!kept.has(file)) this.#close(held, file);
    if (held.size === 0) this.#held.delete(machine);
  }

  #close(held: Map<string, number>, file: string): void {
    const fd = held.get(file);
    held.delete(file);
    if (fd !== undefined) closeSync(fd);
  }
}

/** `8080`, and `5353/udp`. */
export function portText({ host, protocol }: BoundHostPort): string {
  return protocol === 'tcp' ? String(host) : `${host}/${protocol}`;
}

function hostPorts(ports: readonly BoundPort[]): readonly BoundHostPort[] {
  return ports.flatMap((port) => ('host' in port ? [port] : []));
}
