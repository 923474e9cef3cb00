import type { Plan } from './action.ts';
import { namedDisks } from './machine-disks.ts';
import { isActive } from './machine-state.ts';
import type { Observed } from './observed.ts';
import { addStops } from './ordering.ts';
import { PlanBuilder } from './plan-builder.ts';
import type { Request } from './request.ts';

type DownRequest = Extract<Request, { type: 'down' }>;

/** Plans the end of a project: everything that has a record goes, whatever the file says by now. */
export function planDown(request: DownRequest, observed: Observed): Plan {
  const builder = new PlanBuilder();
  const names = Object.keys(observed.machines).toSorted();
  const running = names.filter((name) => isRunning(observed, name));
  const causes = new Map(running.map((name) => [name, 'krun down']));
  const stops = addStops(builder, observed, causes, { byUser: true, timeoutMs: request.timeoutMs });
  const lastUse = new Map<string, number[]>();
  for (const name of names) {
    const stop = stops.get(name);
    const after = stop === undefined ? [] : [stop];
    const id = builder.add({ type: 'remove', machine: name }, 'krun down', after);
    for (const disk of disksOf(observed, name)) lastUse.set(disk, [...(lastUse.get(disk) ?? []), id]);
  }
  if (request.removeDisks) addDiskRemovals(builder, request, observed, lastUse);
  return builder.build();
}

function addDiskRemovals(
  builder: PlanBuilder,
  request: DownRequest,
  observed: Observed,
  lastUse: ReadonlyMap<string, readonly number[]>,
): void {
  const protectedDisks = new Set(request.protectedDisks);
  for (const name of Object.keys(observed.disks).toSorted()) {
    if (protectedDisks.has(name)) builder.note(`disk ${name} is kept: it is protected (protect: true)`);
    else builder.add({ type: 'remove-disk', name }, 'krun down -v', lastUse.get(name));
  }
}

function isRunning(observed: Observed, name: string): boolean {
  const machine = observed.machines[name];
  return machine !== undefined && isActive(machine.state);
}

function disksOf(observed: Observed, name: string): readonly string[] {
  const machine = observed.machines[name];
  return machine ? namedDisks(machine.definition) : [];
}
