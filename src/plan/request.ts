import type { GrantValues } from '../project/grant-values.ts';
import type { Project } from '../project/project.ts';

/** What a command asks for. Every command that changes anything is one of these, planned and executed alike. */
export type Request =
  | UpRequest
  | {
      readonly type: 'down';
      readonly removeDisks: boolean;
      readonly protectedDisks: readonly string[];
      readonly timeoutMs?: number;
    }
  | { readonly type: 'start'; readonly machines: readonly string[] }
  | { readonly type: 'stop'; readonly machines: readonly string[]; readonly timeoutMs?: number }
  | { readonly type: 'restart'; readonly machines: readonly string[]; readonly timeoutMs?: number }
  | { readonly type: 'kill'; readonly machines: readonly string[]; readonly signal: string }
  | { readonly type: 'rm'; readonly machines: readonly string[]; readonly stop: boolean };

export interface UpRequest {
  readonly type: 'up';
  readonly project: Project;
  /** Texts of secrets and configs, which the project must not hold: it is recorded and told. None when absent. */
  readonly grantValues?: GrantValues;
  /** Named machines only (with their dependencies unless `noDeps`); all when empty. */
  readonly machines: readonly string[];
  readonly noDeps: boolean;
  readonly recreate: 'changed' | 'force' | 'never';
  /** Machines whose build runs even if none of its inputs has changed. */
  readonly rebuild?: readonly string[];
  readonly removeOrphans: boolean;
  readonly noStart: boolean;
  /** Adds a `wait` for every machine: services running, tasks done. */
  readonly wait: boolean;
  readonly timeoutMs?: number;
}
