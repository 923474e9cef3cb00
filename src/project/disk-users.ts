import { own } from '../base/record.ts';
import { diskKey } from './disks.ts';
import type { ResolvedMachine } from './machine.ts';
import type { Place } from './place.ts';
import type { DiskAttachment } from './project.ts';

interface DiskUser {
  readonly name: string;
  readonly writes: boolean;
  readonly place: Place;
}

/**
 * Reports disks that two machines would have at one time while one of them writes: neither file systems nor image
 * formats survive that. Turns are fine: a task that completes before the other machine starts.
 */
export function checkDiskUsers(machines: readonly ResolvedMachine[]): void {
  const byName = new Map(machines.map((resolved) => [resolved.machine.name, resolved]));
  for (const [disk, users] of usersByDisk(machines)) {
    const clash = findClash(users, byName);
    if (!clash) continue;
    const [first, second] = clash;
    second.place.error(
      'conflict',
      `machines \`${first.name}\` and \`${second.name}\` use the disk \`${disk}\` at one time`,
      {
        related: [{ message: `\`${first.name}\` uses it here`, span: first.place.valueSpan }],
        hint: 'make it `readonly: true` in both, or share a directory with `shares`',
      },
    );
  }
}

function usersByDisk(machines: readonly ResolvedMachine[]): ReadonlyMap<string, readonly DiskUser[]> {
  const users = new Map<string, DiskUser[]>();
  for (const { machine, at } of machines) {
    const add = (disk: DiskAttachment, place: Place): void => {
      const user = { name: machine.name, writes: !disk.readOnly, place };
      const key = diskKey(disk);
      const known = users.get(key);
      if (known) known.push(user);
      else users.set(key, [user]);
    };
    if (machine.root.kind === 'disk') add(machine.root.disk, at.child('root', 'disk'));
    for (const [index, disk] of machine.disks.entries()) add(disk, at.child('disks', index));
  }
  return users;
}

function findClash(
  users: readonly DiskUser[],
  machines: ReadonlyMap<string, ResolvedMachine>,
): readonly [DiskUser, DiskUser] | undefined {
  if (!users.some((user) => user.writes)) return undefined;
  for (const [index, first] of users.entries()) {
    for (const second of users.slice(index + 1)) {
      if (first.name === second.name || !(first.writes || second.writes)) continue;
      const takeTurns =
        completesBefore(first.name, second.name, machines) ||
        completesBefore(second.name, first.name, machines);
      if (!takeTurns) return [first, second];
    }
  }
  return undefined;
}

/** Whether a machine starts only after another, a task, has completed. */
function completesBefore(
  task: string,
  later: string,
  machines: ReadonlyMap<string, ResolvedMachine>,
): boolean {
  if (machines.get(task)?.machine.kind !== 'task') return false;
  const seen = new Set<string>();
  const open = [later];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const needs = machines.get(name)?.machine.dependsOn ?? {};
    if (own(needs, task)?.condition === 'completed_successfully') return true;
    open.push(...Object.keys(needs));
  }
  return false;
}
