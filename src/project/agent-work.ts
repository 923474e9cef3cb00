/*
 * What the agent in a guest, or krun with its help, does beside running the command. None of it exists in a machine
 * with `agent: false`, except probes that need nothing in the guest.
 */

/**
 * A secret or config of the file that a machine gets. It says where the contents are, never what they are: a definition
 * is recorded, hashed, compared and printed.
 */
export interface FileGrant {
  /** Name under `secrets` or `configs`. */
  readonly name: string;
  readonly source: GrantSource;
  /** Absolute path of the file in the guest. */
  readonly target: string;
  readonly uid: number;
  readonly gid: number;
  /** Permission bits. */
  readonly mode: number;
}

/** Where contents come from; read again at the start of each run. */
export type GrantSource =
  /** A file of the host, by its absolute path. */
  | { readonly kind: 'file'; readonly path: string }
  /** A variable that `${...}` could name. */
  | { readonly kind: 'environment'; readonly variable: string }
  /** The text is in the project file. */
  | { readonly kind: 'content' };

/** How krun finds out that a machine does its work. */
export interface Healthcheck {
  readonly probe: Probe;
  /** Time between two probes of a machine that is healthy, or unhealthy. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Time after the start in which failures do not count. */
  readonly startPeriodMs: number;
  /** Time between two probes until it is either for the first time. */
  readonly startIntervalMs: number;
  /**
   * Failures in a row that make the machine unhealthy. Before the first success, probes come every `startIntervalMs`, but
   * patience is that of probes every `intervalMs`: unhealthy only `startPeriodMs + retries * intervalMs` after the start.
   */
  readonly retries: number;
  /** For people, where a probe fails. */
  readonly hint?: string;
  /** Ends the machine as failed when it becomes unhealthy after having been healthy; its restart policy applies. */
  readonly liveness: boolean;
}

export type Probe =
  /** Succeeds with exit code 0; words, run in the guest without a shell. */
  | { readonly kind: 'test'; readonly command: readonly string[] }
  /** Succeeds with a status from 200 to 399. `host` is what the request says, not where it goes. */
  | {
      readonly kind: 'http';
      readonly scheme: 'http' | 'https';
      readonly host: string;
      /** TCP port of the guest. */
      readonly port: number;
      /** With the query, from `/`. */
      readonly path: string;
    }
  /** Succeeds when the guest's TCP port accepts a connection. */
  | { readonly kind: 'tcp'; readonly port: number }
  /** Succeeds for good with the first line of the run that matches; a regular expression of JavaScript with the flag `u`. */
  | { readonly kind: 'log'; readonly pattern: string };

export type WatchAction = 'sync' | 'restart' | 'sync+restart' | 'sync+exec' | 'exec' | 'rebuild';

/** What `krun watch` does when files change. */
export interface WatchRule {
  /** Absolute path of a file or directory of the host. */
  readonly path: string;
  readonly action: WatchAction;
  /** Absolute path in the guest that `path` becomes; set for actions with sync. */
  readonly target?: string;
  /** Patterns as in .gitignore, relative to `path`: files that do not count. */
  readonly ignore: readonly string[];
  /** Patterns as in .gitignore, relative to `path`: only these count; all when empty. */
  readonly include: readonly string[];
  /** Leaves out what the .gitignore files at and below `path` do, and those above it up to the repository. */
  readonly gitignore: boolean;
  /** Copies everything once at the start; only for actions with sync. */
  readonly initialSync: boolean;
  /** Set for actions with exec. */
  readonly exec?: WatchExec;
}

/** A command in the guest; the machine's own user and directory where it names none. */
export interface WatchExec {
  /** Words, started without a shell. */
  readonly command: readonly string[];
  readonly user?: string;
  /** Absolute path in the guest. */
  readonly workingDir?: string;
  /** Added to the machine's. */
  readonly environment: Readonly<Record<string, string>>;
}
