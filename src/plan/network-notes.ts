import type { Machine, Project } from '../project/project.ts';

/**
 * One line for each network whose driver krun chose and that one of the machines is on: `network default: gvproxy (auto:
 * it is installed)`.
 */
export function networkNotes(
  { networks }: Pick<Project, 'networks'>,
  machines: readonly Machine[],
): readonly string[] {
  const used = new Set(machines.flatMap((machine) => machine.networks.map(({ network }) => network.name)));
  return Object.entries(networks).flatMap(([name, { driver, why }]) =>
    why === undefined || !used.has(name) ? [] : [`network ${name}: ${driver} (${why})`],
  );
}
