import type { Environment } from '../config/schema.gen.ts';
import { own } from '../base/record.ts';
import type { Place } from './place.ts';

/** krun's own environment, as a value. */
export type HostEnvironment = Readonly<Record<string, string | undefined>>;

/** Variables in either form; a name without value takes krun's own, and is left out with a warning where that has none. */
export function resolveEnvironment(
  value: Environment | undefined,
  host: HostEnvironment,
  at: Place,
): Readonly<Record<string, string>> {
  const variables = new Map<string, string>();
  for (const [name, text, place] of entriesOf(value ?? {}, at)) {
    const resolved = text ?? own(host, name);
    if (resolved === undefined) {
      variables.delete(name);
      place.warning('unset-variable', `the variable \`${name}\` is not set and is left out of the guest`, {
        hint: `set ${name}, or give it a value here`,
      });
    } else {
      place.isOriginOf(at.path, name);
      variables.set(name, resolved);
    }
  }
  return Object.fromEntries([...variables].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

type Entry = readonly [name: string, value: string | undefined, place: Place];

function entriesOf(value: Environment, at: Place): readonly Entry[] {
  if (!Array.isArray(value)) {
    return Object.entries(value).map(([name, member]) => [
      name,
      member === null ? undefined : String(member),
      at.child(name),
    ]);
  }
  return value.map((item, index) => {
    const equals = item.indexOf('=');
    const place = at.child(index);
    return equals < 0 ? [item, undefined, place] : [item.slice(0, equals), item.slice(equals + 1), place];
  });
}
