import { createHash } from 'node:crypto';
import { hasLivePorts, portCarrier } from './port-carrier.ts';
import type { Attachment, Machine, Port, Share } from './project.ts';

/** Raised when the canonical form changes; hashes of different versions are never compared as text. */
export const HASH_VERSION = 2;

/**
 * Fields that do not force a machine to be made anew when they change, each with the reason. Everything else is part
 * of the running virtual machine, or of what its guest was told at the start; of `shares`, `networks` and `ports` a part is
 * live, which {@link effectiveFields} leaves out.
 */
export const LIVE_FIELDS: Readonly<Partial<Record<keyof Machine, string>>> = {
  name: 'never changes: another name is another machine',
  kind: 'only tells the planner and the supervisor what an exit means',
  build: 'makes the root; whether it has to run again is decided by its inputs, not by this text',
  healthcheck: 'asked by the supervisor, or through a session that it opens then',
  dependsOn: 'only orders starts and stops',
  restart: 'read by the supervisor when the machine exits',
  stopSignal: 'sent with the next stop',
  stopGracePeriodMs: 'counted by the supervisor at the next stop',
  stopCommand: 'run with the next stop',
  bootTimeoutMs: 'counted by the supervisor at the next start',
  logs: 'read by the supervisor at the next rotation',
  watch: 'read by `krun watch` alone',
  helpers: 'programs that are looked for at the next start',
  hidden: 'only says what of the other fields is not shown',
  oneOff: 'says who made the machine',
};

/** Versioned SHA-256 of what a machine effectively is; equal hashes mean that nothing has to be made anew. */
export function machineHash(machine: Machine): string {
  const digest = createHash('sha256')
    .update(canonicalJson(effectiveFields(machine)))
    .digest('hex');
  return `${HASH_VERSION}-${digest}`;
}

/**
 * Whether a machine that was created with a hash and a definition is what the new definition says. A hash of an
 * older krun is not believed but computed again, so that an upgrade alone recreates nothing.
 */
export function isSameMachine(
  before: { readonly hash: string; readonly definition: Machine },
  afterHash: string,
): boolean {
  if (before.hash.startsWith(`${HASH_VERSION}-`)) return before.hash === afterHash;
  return machineHash(before.definition) === afterHash;
}

/** What a machine is made of: a change of anything here needs another one. */
export function effectiveFields(machine: Machine): Readonly<Record<string, unknown>> {
  const fields = Object.entries(machine).filter(([key]) => !Object.hasOwn(LIVE_FIELDS, key));
  return {
    ...Object.fromEntries(fields),
    shares: machine.shares.map(effectiveShare),
    networks: machine.networks.map(effectiveAttachment),
    ports: arePortsLive(machine) ? [] : machine.ports.map(effectivePort),
  };
}

/** Whether a network process carries the machine's ports, and so changes them while it runs. */
export function arePortsLive(machine: Machine): boolean {
  const carrier = portCarrier(machine.networks);
  return carrier !== undefined && hasLivePorts(carrier.network);
}

/** Host changes are told through a session. */
function effectiveShare(share: Share): unknown {
  const { notify: _, ...effective } = share;
  return effective;
}

/** The guest is not told its aliases: the network's switch answers for them. */
function effectiveAttachment(attachment: Attachment): unknown {
  const { aliases: _, ...effective } = attachment;
  return effective;
}

/** Names of ports are for people. */
function effectivePort(port: Port): unknown {
  const { name: _, ...effective } = port;
  return effective;
}

/** JSON with sorted keys and without undefined members: one text for one value. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = value as Record<string, unknown>;
  let text = '';
  for (const key of Object.keys(members).toSorted()) {
    const member = members[key];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}
