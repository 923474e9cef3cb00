/** What the health check of a running machine has found in the present run. */
export interface Health {
  /** `starting`: no probe has succeeded yet, and there is still time for it. */
  readonly status: HealthStatus;
  /** When it became so, ISO 8601. */
  readonly since: string;
  /** A probe has succeeded in this run. */
  readonly wasHealthy: boolean;
  /** Probes that failed since the last success. */
  readonly failures: number;
  /** The last of them. */
  readonly lastFailure?: ProbeFailure;
}

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

/** Why a probe failed. */
export interface ProbeFailure {
  /** When, ISO 8601. */
  readonly at: string;
  /** In a few words: `pg_isready exited with 2`. */
  readonly message: string;
  /** Of a command in the guest. */
  readonly exitCode?: number;
  /** The last that the command wrote, or the first of an answer. */
  readonly output?: string;
}

/** The health of a machine whose guest has just reported in. */
export function firstHealth(since: string): Health {
  return { status: 'starting', since, wasHealthy: false, failures: 0 };
}
