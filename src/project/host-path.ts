import { resolve as resolvePath } from 'node:path';
import type { HostEnvironment } from './env.ts';
import type { Place } from './place.ts';

/** What a path of the host can start from. */
export interface HostScope {
  /** Real, absolute project directory. */
  readonly directory: string;
  readonly environment: HostEnvironment;
}

/** A host path made absolute; `~` is the home of the user who runs krun. */
export function resolveHostPath(value: string, scope: HostScope, at: Place): string {
  if (!/^~(\/|$)/.test(value)) return resolvePath(scope.directory, value);
  const home = scope.environment['HOME'];
  if (home) return resolvePath(home, `.${value.slice(1)}`);
  at.error('path', `"${value}" starts in the home directory, and HOME is not set`, {
    hint: 'write the whole path',
  });
  return resolvePath(scope.directory, value);
}
