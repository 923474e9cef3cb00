import { own } from '../base/record.ts';
import type { KrunFile } from '../config/schema.gen.ts';
import type { HostEnvironment } from './env.ts';
import type { GrantKind } from './grants.ts';
import type { FileGrant, Machine } from './project.ts';

/**
 * Texts of secrets and configs that are in no file of their own, by {@link grantKey}. They go with a request to the
 * supervisor and to a private file of this boot; no definition, record, log or command line ever holds them.
 */
export type GrantValues = Readonly<Record<string, string>>;

/** Names a secret or config of the project. */
export function grantKey(kind: GrantKind, name: string): string {
  return `${kind}/${name}`;
}

/** Every secret and config of a machine. */
export function grantsOf(
  machine: Machine,
): readonly { readonly kind: GrantKind; readonly grant: FileGrant }[] {
  return (['secrets', 'configs'] as const).flatMap((kind) => machine[kind].map((grant) => ({ kind, grant })));
}

/** What the file and the environment say that the machines need. */
export function grantValues(
  machines: readonly Machine[],
  file: KrunFile,
  environment: HostEnvironment,
): GrantValues {
  const values = new Map<string, string>();
  for (const { kind, grant } of machines.flatMap(grantsOf)) {
    const { source, name } = grant;
    const text =
      source.kind === 'environment'
        ? own(environment, source.variable)
        : source.kind === 'content'
          ? own(file[kind] ?? {}, name)?.content
          : undefined;
    if (text !== undefined) values.set(grantKey(kind, name), text);
  }
  return Object.fromEntries([...values].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
