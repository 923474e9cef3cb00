import type { HelperName } from './project.ts';

/** What of the host decides which networks a project can have. */
export interface HostFacts {
  /** As Node names it: `linux` or `darwin`. */
  readonly platform: string;
  /** What a search without krun.yaml found. */
  readonly helpers: Readonly<Record<HelperName, HelperFinding>>;
  /** Smallest TCP or UDP port that krun's user may listen on. */
  readonly firstOpenPort: number;
  /** Socket of a socket_vmnet daemon, where there is one in a usual place. */
  readonly socketVmnet?: string;
}

export type HelperFinding =
  | { readonly kind: 'found' }
  /** Not installed; or named by the environment, and not what it was said to be. */
  | { readonly kind: 'missing' | 'unusable'; readonly message: string; readonly hint: string };
