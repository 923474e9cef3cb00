import { readJsonIfPresent } from '../../host/atomic-file.ts';
import { isAlive } from '../../host/identity.ts';
import { processUsage, type ProcessUsage } from '../../host/process-usage.ts';
import type { ProcessIdentity } from '../../machine/spec.ts';
import { machineLayout, runLayout, type Layout } from '../../store/layout.ts';
import type { MachineRecord } from '../../store/records.ts';
import type { MachineStats } from '../../view/stats.ts';
import { GuestSampler } from './guest-sampler.ts';

interface Watched {
  readonly run: number;
  guest: GuestSampler | undefined;
  usage: ProcessUsage;
  atMs: number;
}

/** Looks at machines in rounds: processor time is what was used between two of them. */
export class StatsCollector {
  readonly #layout: Layout;
  readonly #watched: Map<string, Watched> = new Map();

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** One round. A machine that is seen for the first time has no processor time yet and is left out. */
  async collect(records: readonly MachineRecord[]): Promise<readonly MachineStats[]> {
    this.#forget(records);
    const stats = await Promise.all(records.map((record) => this.#look(record)));
    return stats.flatMap((each) => each ?? []);
  }

  close(): void {
    for (const { guest } of this.#watched.values()) guest?.close();
    this.#watched.clear();
  }

  async #look(record: MachineRecord): Promise<MachineStats | undefined> {
    const { machine, run } = record;
    const usage = await this.#usage(record);
    const atMs = performance.now();
    if (!usage) return undefined;
    const before = this.#watched.get(machine);
    if (!before) {
      this.#watched.set(machine, { run, guest: await this.#openGuest(record), usage, atMs });
      return undefined;
    }
    const cpuPercent = (100 * (usage.cpuMs - before.usage.cpuMs)) / (atMs - before.atMs);
    Object.assign(before, { usage, atMs });
    // It may have been booting until now.
    if (!before.guest || before.guest.hasEnded) before.guest = await this.#openGuest(record);
    const guest = await before.guest?.sample();
    return { machine, cpuPercent, hostMemoryBytes: usage.residentBytes, ...(guest && { guest }) };
  }

  async #openGuest({ machine, definition }: MachineRecord): Promise<GuestSampler | undefined> {
    if (!definition.agent) return undefined;
    return GuestSampler.open(machineLayout(this.#layout, machine).controlSocket);
  }

  async #usage({ machine, run }: MachineRecord): Promise<ProcessUsage | undefined> {
    const { identityFile } = runLayout(machineLayout(this.#layout, machine), run);
    const identity = (await readJsonIfPresent(identityFile)) as ProcessIdentity | undefined;
    return identity && isAlive(identity) ? processUsage(identity.pid) : undefined;
  }

  /** A machine that was started again is another process. */
  #forget(records: readonly MachineRecord[]): void {
    for (const [machine, { run, guest }] of this.#watched) {
      if (records.some((record) => record.machine === machine && record.run === run)) continue;
      guest?.close();
      this.#watched.delete(machine);
    }
  }
}
