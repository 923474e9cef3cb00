import type { Health, ProbeFailure } from '../plan/health.ts';
import type { Healthcheck } from '../project/project.ts';

/** What one probe found. */
export type ProbeResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly failure: Omit<ProbeFailure, 'at'> };

export interface ProbeTime {
  /** When the guest reported in, in milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly nowMs: number;
}

type Patience = Pick<Healthcheck, 'intervalMs' | 'startPeriodMs' | 'retries'>;

/** The health of a machine after one more probe. */
export function afterProbe(
  check: Patience,
  health: Health,
  result: ProbeResult,
  { startedAtMs, nowMs }: ProbeTime,
): Health {
  const now = new Date(nowMs).toISOString();
  const become = (status: Health['status']): Pick<Health, 'status' | 'since'> =>
    health.status === status ? { status, since: health.since } : { status, since: now };
  if (result.ok) return { ...become('healthy'), wasHealthy: true, failures: 0 };
  const failures = health.failures + 1;
  const failed = { wasHealthy: health.wasHealthy, failures, lastFailure: { at: now, ...result.failure } };
  const isOver = health.wasHealthy
    ? failures >= check.retries
    : nowMs >= startedAtMs + startPatienceMs(check);
  return { ...become(isOver ? 'unhealthy' : health.status), ...failed };
}

/** How long a machine may take until its first success. */
export function startPatienceMs({ startPeriodMs, intervalMs, retries }: Patience): number {
  return startPeriodMs + retries * intervalMs;
}

/** Time from the end of one probe to the next: short as long as somebody may be waiting for the first success. */
export function probeDelayMs(
  { intervalMs, startIntervalMs }: Pick<Healthcheck, 'intervalMs' | 'startIntervalMs'>,
  { status }: Health,
): number {
  return status === 'starting' ? startIntervalMs : intervalMs;
}
