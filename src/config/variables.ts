import { nearest } from '../base/text.ts';
import type { UsedVariable, VariableOrigin } from '../source/tree.ts';

export interface Variable {
  readonly value: string;
  readonly origin: VariableOrigin;
}

/** What `${...}` can name, with where each value is from. */
export type Variables = ReadonlyMap<string, Variable>;

/** Variables of the process environment. */
export function environmentVariables(environment: Readonly<Record<string, string | undefined>>): Variables {
  const variables = new Map<string, Variable>();
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined) variables.set(name, { value, origin: { kind: 'environment' } });
  }
  return variables;
}

/** Later layers win. */
export function layerVariables(...layers: readonly Variables[]): Variables {
  return new Map(layers.flatMap((layer) => [...layer]));
}

/** What a text that names variables was made of. */
export function usedVariables(names: readonly string[], variables: Variables): UsedVariable[] {
  return names.map((name) => ({ name, ...variables.get(name) }));
}

/** What to write where a variable is not set. */
export function unsetHint(name: string, variables: Variables): string {
  const near = nearest(name, [...variables.keys()]);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  return `set it in the environment or in .env; \`\${${name}:-}\` is an empty value, \`$$${name}\` a variable of the guest's own`;
}

/** Names and values alone. */
export function variableRecord(variables: Variables): Readonly<Record<string, string>> {
  return Object.fromEntries([...variables].map(([name, { value }]) => [name, value]));
}
