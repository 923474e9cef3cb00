import { nearest } from '../base/text.ts';

/** Where a variable got its value: the shell that started krun, or a line of an env file. */
export type VariableOrigin =
  | { readonly kind: 'environment' }
  | { readonly kind: 'krun' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number };

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
