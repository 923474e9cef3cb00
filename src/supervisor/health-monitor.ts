import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Health } from '../plan/health.ts';
import type { Healthcheck } from '../project/project.ts';
import { afterProbe, probeDelayMs, type ProbeResult } from './health-judgement.ts';

export interface MonitorOptions {
  readonly machine: string;
  readonly check: Healthcheck;
  /** When the guest reported in, in milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** As it is known so far, also from an earlier supervisor. */
  readonly health: Health;
  readonly isAdopted: boolean;
  /** Rejects with the signal's reason alone. */
  readonly probe: (signal: AbortSignal) => Promise<ProbeResult>;
  /** Called after each probe. */
  readonly judged: (health: Health) => void;
  /** The clock's, unless a test has another. */
  readonly pause?: (timeMs: number, signal: AbortSignal) => Promise<void>;
  /** A probe ended in a way that it should not: nothing more is probed. */
  readonly failed: (error: unknown) => void;
}

/** Machines that a new supervisor takes over are all probed within that time. */
const ADOPTED_MS = 2000;

/** Probes a machine until it is stopped: one probe after the other, never two at a time. */
export class HealthMonitor {
  readonly #options: MonitorOptions;
  readonly #stop = new AbortController();
  #health: Health;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#health = options.health;
    this.#run().catch(options.failed);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { check, machine, isAdopted, pause = sleep } = this.#options;
    const { signal } = this.#stop;
    const share = shareOf(machine);
    let wait = isAdopted ? share * Math.min(ADOPTED_MS, check.intervalMs) : 0;
    let pace: Health['status'] | undefined;
    try {
      for (;;) {
        if (wait > 0) await pause(wait, signal);
        signal.throwIfAborted();
        const result = await this.#options.probe(signal);
        signal.throwIfAborted();
        this.#judge(result);
        wait = probeDelayMs(check, this.#health);
        // Each machine has another moment from here on, so that a hundred of them are not probed at once.
        if (pace !== this.#health.status) wait *= (1 + share) / 2;
        pace = this.#health.status;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #judge(result: ProbeResult): void {
    const { check, startedAtMs, judged } = this.#options;
    this.#health = afterProbe(check, this.#health, result, { startedAtMs, nowMs: Date.now() });
    judged(this.#health);
  }
}

function sleep(timeMs: number, signal: AbortSignal): Promise<void> {
  return setTimeout(timeMs, undefined, { signal });
}

/** A machine's own number in [0, 1). */
function shareOf(machine: string): number {
  return createHash('sha256').update(machine).digest().readUInt32BE(0) / 2 ** 32;
}
