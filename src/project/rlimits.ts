import type { Limit, RlimitConfigLong, RlimitsConfig } from '../config/schema.gen.ts';
import type { Place } from './place.ts';
import type { Rlimit } from './project.ts';

/** Resource limits by name, sorted; one number is soft and hard at once, -1 is no limit. */
export function resolveRlimits(value: RlimitsConfig | undefined, at: Place): readonly Rlimit[] {
  return Object.entries(value ?? {})
    .filter(([name]) => !name.startsWith('x-'))
    .map(([name, config]) => resolveRlimit(name, config as Limit | RlimitConfigLong, at.child(name)))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function resolveRlimit(name: string, config: Limit | RlimitConfigLong, at: Place): Rlimit {
  const [soft, hard] =
    typeof config === 'object'
      ? [Number(config.soft), Number(config.hard)]
      : [Number(config), Number(config)];
  const height = (limit: number): number => (limit === -1 ? Infinity : limit);
  if (height(soft) > height(hard)) {
    at.error('conflict', `the soft limit ${limitText(soft)} of \`${name}\` is above the hard limit ${hard}`, {
      hint: 'raise `hard`, or lower `soft`',
    });
  }
  return { name, soft, hard };
}

function limitText(limit: number): string {
  return limit === -1 ? '-1 (unlimited)' : String(limit);
}
