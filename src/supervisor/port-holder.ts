import { readFileSync } from 'node:fs';
import type { PortHolder, PortProtocol } from '../host/ports.ts';
import { errnoOf } from '../host/errno.ts';
import type { MachineSpec } from '../machine/spec.ts';
import { NetworkClient } from '../network/client.ts';
import type { NetworkSpec } from '../network/spec.ts';

/**
 * Who holds a port, for a message. A machine of whatever project is known better by its name than as one more node,
 * gvproxy or passt.
 */
export async function describeHolder(
  { pid, name }: PortHolder,
  port: number,
  protocol: PortProtocol,
): Promise<string> {
  // A helper is the child of the process that it works for.
  for (const candidate of [pid, parentOf(pid)]) {
    const spec = candidate === undefined ? undefined : specOf(candidate);
    if (!spec) continue;
    if ('machine' in spec) return `machine ${spec.machine} of project ${spec.project} (process ${pid})`;
    const member = await memberWith(spec, port, protocol);
    const who = member === undefined ? `network ${spec.network}` : `machine ${member}`;
    return `${who} of project ${spec.project} (process ${pid})`;
  }
  return `process ${pid} (${name})`;
}

/** The machine through whose network the port is published. */
async function memberWith(
  { controlSocket }: NetworkSpec,
  port: number,
  protocol: PortProtocol,
): Promise<string | undefined> {
  const state = await new NetworkClient(controlSocket).state();
  if (!state.ok) return undefined;
  return Object.entries(state.value.members).find(([, { ports }]) =>
    ports.some((one) => 'host' in one && one.host === port && one.protocol === protocol),
  )?.[0];
}

/** What a process of krun was started with. */
function specOf(pid: number): MachineSpec | NetworkSpec | undefined {
  const words = readIfAllowed(`/proc/${pid}/cmdline`)?.split('\0');
  const specFile = words?.find((word) => word.endsWith('/spec.json'));
  const text = specFile === undefined ? undefined : readIfAllowed(specFile);
  return text === undefined ? undefined : parseSpec(text);
}

/** Other programs have files of that name, too. */
function parseSpec(text: string): MachineSpec | NetworkSpec | undefined {
  try {
    const value = JSON.parse(text) as Partial<MachineSpec | NetworkSpec> | null;
    return value?.identityFile === undefined ? undefined : (value as MachineSpec | NetworkSpec);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function parentOf(pid: number): number | undefined {
  const stat = readIfAllowed(`/proc/${pid}/stat`);
  // The second field is a name that may hold anything.
  const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Undefined where the process has ended meanwhile, belongs to somebody else, or the system has no /proc. */
function readIfAllowed(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM', 'ESRCH'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
