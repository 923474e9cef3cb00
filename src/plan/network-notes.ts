import type { Project } from '../project/project.ts';

/** One line for each network whose driver krun chose: `network default: gvproxy (auto: it is installed)`. */
export function networkNotes({ networks }: Project): readonly string[] {
  return Object.entries(networks).flatMap(([name, { driver, why }]) =>
    why === undefined ? [] : [`network ${name}: ${driver} (${why})`],
  );
}
