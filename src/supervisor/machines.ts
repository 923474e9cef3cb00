import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Machine } from '../project/project.ts';
import { readProjectState } from '../store/record-files.ts';
import type { MachineRecord } from '../store/records.ts';
import { endLeftBuilds } from './build-process.ts';
import { ActionFailure } from './failure.ts';
import { removeStrayMachines, removeTemporaryFiles } from './machine-files.ts';
import { MachineKeeper, type KeeperContext } from './machine-keeper.ts';
import { sight } from './sighting.ts';

/** The keepers of a project's machines, by name. */
export class Machines {
  readonly #context: KeeperContext;
  readonly #keepers: Map<string, MachineKeeper> = new Map();

  constructor(context: KeeperContext) {
    this.#context = context;
  }

  /** Takes over what earlier supervisors left: adopts what lives, finishes what ended. */
  async recover(): Promise<Result<void, Diagnostic>> {
    const state = await readProjectState(this.#context.layout);
    if (!state.ok) return state;
    await endLeftBuilds(this.#context.layout);
    await removeTemporaryFiles(this.#context.layout);
    await removeStrayMachines(this.#context.layout, Object.keys(state.value.machines), { keepLog: true });
    const machines = Object.entries(state.value.machines);
    for (const [name, record] of machines) this.#keepers.set(name, new MachineKeeper(this.#context, record));
    const results = await Promise.allSettled(
      [...this.#keepers.values()].map(async (keeper) =>
        keeper.recover(await sight(this.#context.layout, keeper.record)),
      ),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (!failed) return ok(undefined);
    return err(errorDiagnostic('state', `cannot take over the machines: ${String(failed.reason)}`));
  }

  /** The keeper of a machine that the plan says exists. */
  get(name: string): MachineKeeper {
    const keeper = this.#keepers.get(name);
    if (!keeper) throw new ActionFailure(`machine ${name} does not exist`, 'run krun up to create it');
    return keeper;
  }

  async create(definition: Machine, hash: string): Promise<void> {
    this.#keepers.set(definition.name, await MachineKeeper.create(this.#context, definition, hash));
  }

  async remove(name: string, options: { readonly keepLog: boolean }): Promise<void> {
    await this.get(name).remove(options);
    this.#keepers.delete(name);
  }

  /** After a `down`: also logs of machines that were about to be made anew when a supervisor was killed. */
  removeStrays(): Promise<void> {
    return removeStrayMachines(this.#context.layout, this.#keepers.keys(), { keepLog: false });
  }

  records(): Record<string, MachineRecord> {
    const names = [...this.#keepers.keys()].toSorted();
    return Object.fromEntries(names.map((name) => [name, this.get(name).record]));
  }

  get isEmpty(): boolean {
    return this.#keepers.size === 0;
  }

  /** Whether any machine has a process or a restart that is due. */
  get areBusy(): boolean {
    return [...this.#keepers.values()].some((keeper) => keeper.isBusy);
  }

  /** Kills what runs; nothing is recorded. */
  kill(): void {
    for (const keeper of this.#keepers.values()) keeper.killProcess();
  }

  /** Lets go of all machines, which run on. */
  async leave(): Promise<void> {
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper.leave()));
  }
}
