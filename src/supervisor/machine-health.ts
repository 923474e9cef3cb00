import { isDeepStrictEqual } from 'node:util';
import { firstHealth, type Health } from '../plan/health.ts';
import type { Machine } from '../project/project.ts';
import { machineLayout, type Layout } from '../store/layout.ts';
import type { LogLine } from '../store/records.ts';
import { describeFailure } from './failure.ts';
import { LogWatch } from './health-log.ts';
import { HealthMonitor } from './health-monitor.ts';
import { runProbe } from './health-probe.ts';
import type { KeptRecord } from './kept-record.ts';

export interface HealthContext {
  readonly layout: Layout;
  readonly kept: KeptRecord;
  /** The machine was healthy, is not any more, and its health check says that it is to end then. */
  readonly lost: (reason: string) => void;
  readonly warn: (message: string) => void;
}

/** Keeps the health of one machine in its record while it runs. */
export class MachineHealth {
  readonly #context: HealthContext;
  #watch: HealthMonitor | LogWatch | undefined;
  #healthyRun = 0;

  constructor(context: HealthContext) {
    this.#context = context;
  }

  /** The newest run that has been healthy. */
  get healthyRun(): number {
    return this.#healthyRun;
  }

  /** What is known of a machine that has just reported in. */
  first(since: string): { readonly health?: Health } {
    return this.#definition.healthcheck ? { health: firstHealth(since) } : {};
  }

  /** Begins to probe a machine that runs. */
  begin({ isAdopted = false }: { readonly isAdopted?: boolean } = {}): void {
    this.end();
    const { state, value } = this.#context.kept;
    const { healthcheck: check } = value.definition;
    if (state.status !== 'running' || !check) return;
    const { run, since, health = firstHealth(since) } = state;
    if (health.wasHealthy) this.#healthyRun = run;
    const { probe } = check;
    const judged = (next: Health): void => this.#judged(run, next);
    const common = { check, startedAtMs: Date.parse(since), health, judged };
    if (probe.kind === 'log') {
      const { logFile } = machineLayout(this.#context.layout, value.machine);
      const watch = new LogWatch({ ...common, pattern: probe.pattern, logFile, run });
      this.#watch = watch;
      watch.readPast().catch((error: unknown) => this.#context.warn(describeFailure(error).message));
      return;
    }
    const { timeoutMs } = check;
    const { layout } = this.#context;
    this.#watch = new HealthMonitor({
      ...common,
      machine: value.machine,
      isAdopted,
      probe: (signal) => {
        const { definition, endpoint } = this.#context.kept.value;
        return runProbe(probe, { layout, definition, endpoint, timeoutMs }, signal);
      },
      failed: (error) =>
        this.#context.warn(`its health is not probed any more: ${describeFailure(error).message}`),
    });
  }

  /** Takes another health check for a machine that goes on; one that is the same goes on, too. */
  async change(before: Machine): Promise<void> {
    const { state, value } = this.#context.kept;
    const { healthcheck } = value.definition;
    if (state.status !== 'running' || isDeepStrictEqual(before.healthcheck, healthcheck)) return;
    const { health: _, ...running } = state;
    const since = new Date().toISOString();
    await this.#context.kept.set({ state: { ...running, ...this.first(since) } });
    this.begin();
  }

  /** Output of the machine. */
  see(lines: readonly LogLine[]): void {
    if (this.#watch instanceof LogWatch) this.#watch.see(lines);
  }

  end(): void {
    this.#watch?.stop();
    this.#watch = undefined;
  }

  get #definition(): Machine {
    return this.#context.kept.value.definition;
  }

  #judged(run: number, health: Health): void {
    const { kept, lost } = this.#context;
    const { state } = kept;
    if (state.status !== 'running' || state.run !== run) return;
    if (health.wasHealthy) this.#healthyRun = run;
    const next = { ...state, health };
    const isNews = state.health?.status !== health.status;
    // The first failure as well: `krun ps` of a machine that does not come up is to say why.
    const isFirst = health.failures === 1;
    if (isNews || isFirst) void kept.set({ state: next }, { isTold: isNews });
    else kept.amend((record) => ({ ...record, state: next }));
    const check = this.#definition.healthcheck;
    if (health.status !== 'unhealthy' || !health.wasHealthy || !check?.liveness) return;
    const { message = 'it is unhealthy' } = health.lastFailure ?? {};
    this.end();
    lost(`liveness: ${message}`);
  }
}
