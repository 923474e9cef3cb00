import { canonicalJson } from './hash.ts';
import type { ResolvedMachine } from './machine.ts';
import type { Boot, Machine } from './project.ts';

/** One key for one root: the directory, the image file or the named disk; without a root, what boots. */
export function rootKey({ name, root, boot }: Pick<Machine, 'name' | 'root' | 'boot'>): string {
  if (root.kind === 'directory') return root.path;
  if (root.kind === 'none') return bootFile(boot) ?? `machine ${name}`;
  return root.disk.source.kind === 'named' ? `disk ${root.disk.source.name}` : root.disk.source.path;
}

/** The file that a build makes for a machine without a root: its initrd, or else its kernel. */
export function bootFile(boot: Boot | undefined): string | undefined {
  return boot?.kind === 'kernel' ? (boot.initrd ?? boot.path) : boot?.path;
}

/** A root is made by one build, whichever of the machines on it says so; two different builds of it are a mistake. */
export function shareBuilds(machines: readonly ResolvedMachine[]): readonly ResolvedMachine[] {
  const builders = new Map<string, ResolvedMachine>();
  for (const resolved of machines) {
    const { machine, at } = resolved;
    if (!machine.build) continue;
    const key = rootKey(machine);
    const known = builders.get(key);
    if (!known) builders.set(key, resolved);
    else if (canonicalJson(known.machine.build) !== canonicalJson(machine.build)) {
      at.child('build').error(
        'conflict',
        `machines \`${known.machine.name}\` and \`${machine.name}\` build the same root in different ways`,
        {
          related: [
            { message: `\`${known.machine.name}\` builds it here`, span: known.at.child('build').valueSpan },
          ],
          hint: 'build it in one of them; the other one waits for that',
        },
      );
    }
  }
  return machines.map((resolved) => {
    const build = builders.get(rootKey(resolved.machine))?.machine.build;
    if (resolved.machine.build || !build) return resolved;
    return { ...resolved, machine: { ...resolved.machine, build } };
  });
}
