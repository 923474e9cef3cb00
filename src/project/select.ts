import { own } from '../base/record.ts';
import { nearest } from '../base/text.ts';
import type { KrunFile } from '../config/schema.gen.ts';
import { type Diagnostic, warningDiagnostic } from '../base/diagnostic.ts';
import { dependencyGraph, withNeeds } from './graph.ts';
import type { Project } from './project.ts';

/** Which machines of a file exist for a command. */
export interface ProfileSelection {
  readonly enabled: ReadonlySet<string>;
  /** The others, sorted. */
  readonly disabled: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Machines without profile and those of an active one; naming a machine makes its profiles active, `*` all of them. */
export function selectProfiles(
  machines: KrunFile['machines'],
  profiles: readonly string[],
  named: readonly string[] = [],
): ProfileSelection {
  const active = new Set([...profiles, ...named.flatMap((name) => own(machines, name)?.profiles ?? [])]);
  const isEnabled = (name: string): boolean => {
    const wanted = own(machines, name)?.profiles ?? [];
    return wanted.length === 0 || active.has('*') || wanted.some((profile) => active.has(profile));
  };
  const names = Object.keys(machines).toSorted();
  return {
    enabled: new Set(names.filter(isEnabled)),
    disabled: names.filter((name) => !isEnabled(name)),
    diagnostics: unknownProfiles(machines, profiles),
  };
}

function unknownProfiles(machines: KrunFile['machines'], profiles: readonly string[]): Diagnostic[] {
  const known = new Set(['*', ...Object.values(machines).flatMap((machine) => machine.profiles ?? [])]);
  return profiles
    .filter((profile) => !known.has(profile))
    .map((profile) => {
      const near = nearest(profile, known);
      const hint = near === undefined ? {} : { hint: `did you mean \`${near}\`?` };
      return warningDiagnostic('unknown-reference', `no machine has the profile \`${profile}\``, hint);
    });
}

/** The named machines with everything that they need, sorted; all machines where none is named. */
export function selectMachines(project: Project, names: readonly string[]): readonly string[] {
  if (names.length === 0) return Object.keys(project.machines).toSorted();
  return withNeeds(dependencyGraph(project.machines), names);
}
