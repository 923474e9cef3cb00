import type { UpRequest } from '../plan/request.ts';
import type { Project } from '../project/project.ts';

/** Machines that an `up` is about, with their dependencies where those are wanted; sorted. */
export function machinesOfUp(
  project: Project,
  request: Pick<UpRequest, 'machines' | 'noDeps'>,
): readonly string[] {
  if (request.machines.length === 0) return Object.keys(project.machines);
  const chosen = new Set<string>();
  const add = (name: string): void => {
    const machine = project.machines[name];
    if (machine === undefined || chosen.has(name)) return;
    chosen.add(name);
    if (!request.noDeps) for (const need of Object.keys(machine.dependsOn)) add(need);
  };
  request.machines.forEach(add);
  return [...chosen].toSorted();
}
