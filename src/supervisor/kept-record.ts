import type { MachineState } from '../plan/machine-state.ts';
import type { Layout } from '../store/layout.ts';
import { writeMachineRecord } from '../store/record-files.ts';
import type { MachineRecord } from '../store/records.ts';
import { describeFailure } from './failure.ts';

export interface RecordHooks {
  /** Called after the state has been written. */
  readonly changed: (machine: string, state: MachineState) => void;
  readonly warn: (message: string) => void;
}

/** The record of one machine: changed at once in memory, then on disk in the same order, then told. */
export class KeptRecord {
  readonly #layout: Layout;
  readonly #hooks: RecordHooks;
  readonly #listeners: Set<() => void> = new Set();
  #record: MachineRecord;
  #writes: Promise<void> = Promise.resolve();

  constructor(layout: Layout, record: MachineRecord, hooks: RecordHooks) {
    this.#layout = layout;
    this.#record = record;
    this.#hooks = hooks;
  }

  get value(): MachineRecord {
    return this.#record;
  }

  get state(): MachineState {
    return this.#record.state;
  }

  /** Changes what the next write is to hold. */
  amend(change: (record: MachineRecord) => MachineRecord): void {
    this.#record = change(this.#record);
  }

  /**
   * Resolves when the change is on disk, and has been told unless nobody has to know. A disk that refuses does not stop
   * the machine's life.
   */
  async set(
    change: Partial<MachineRecord>,
    { isTold = true }: { readonly isTold?: boolean } = {},
  ): Promise<void> {
    const record = { ...this.#record, ...change };
    this.#record = record;
    this.#writes = this.#writes
      .then(() => writeMachineRecord(this.#layout, record))
      .catch((error: unknown) => this.#hooks.warn(describeFailure(error).message));
    await this.#writes;
    if (change.state && isTold) this.#hooks.changed(record.machine, change.state);
    this.notify();
  }

  /** Resolves when everything so far is on disk. */
  written(): Promise<void> {
    return this.#writes;
  }

  /** Has everybody who waits look again. */
  notify(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Resolves as soon as the state is as wanted, and that is on disk; rejects with the signal's reason. */
  until(wanted: (state: MachineState) => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const isMet = wanted(this.state);
        if (!isMet && !signal.aborted) return;
        this.#listeners.delete(check);
        signal.removeEventListener('abort', check);
        if (isMet) resolve(this.#writes);
        else reject(signal.reason);
      };
      this.#listeners.add(check);
      signal.addEventListener('abort', check);
      check();
    });
  }
}
