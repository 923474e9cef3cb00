import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { isActive } from '../plan/machine-state.ts';
import type { Machine } from '../project/project.ts';
import { readProjectState } from '../store/record-files.ts';
import type { MachineRecord } from '../store/records.ts';
import { endLeftBuilds } from './build-process.ts';
import { ActionFailure } from './failure.ts';
import { removeStrayMachines, removeTemporaryFiles } from './machine-files.ts';
import { MachineKeeper, type KeeperContext } from './machine-keeper.ts';
import type { NetworkContext } from './network-keeper.ts';
import { isOn, Networks } from './networks.ts';
import { sight } from './sighting.ts';

export interface MachinesContext extends Omit<KeeperContext, 'networks' | 'others'> {
  /** Node and the network process's script. */
  readonly networkProgram: readonly [node: string, script: string];
  readonly networkChanged: NetworkContext['networkChanged'];
}

/** The keepers of a project's machines, by name, and the networks that they are on. */
export class Machines {
  readonly #context: KeeperContext;
  readonly #networks: Networks;
  readonly #keepers: Map<string, MachineKeeper> = new Map();

  constructor(context: MachinesContext) {
    const others = (machine: string): readonly MachineRecord[] =>
      this.#records().filter((record) => record.machine !== machine);
    this.#networks = new Networks({
      ...context,
      records: () => this.#records(),
      lost: (network, reason) => this.#loseNetwork(network, reason),
    });
    this.#context = {
      ...context,
      networks: this.#networks,
      others,
      changed: (machine, state) => {
        context.changed(machine, state);
        if (!isActive(state)) this.#networks.settle();
      },
    };
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
    await this.#networks.recover();
    const results = await Promise.allSettled(
      [...this.#keepers.values()].map(async (keeper) =>
        keeper.recover(await sight(this.#context.layout, keeper.record)),
      ),
    );
    await this.#networks.expelStrangers();
    this.#networks.settle();
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
  async removeStrays(): Promise<void> {
    await removeStrayMachines(this.#context.layout, this.#keepers.keys(), { keepLog: false });
    await this.#networks.removeUnused();
  }

  /** Resolves when no process of a network is being started or ended. */
  networksIdle(): Promise<void> {
    return this.#networks.idle();
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
    return this.#networks.areBusy || [...this.#keepers.values()].some((keeper) => keeper.isBusy);
  }

  /** Kills what runs; nothing is recorded. */
  kill(): void {
    for (const keeper of this.#keepers.values()) keeper.killProcess();
    this.#networks.kill();
  }

  /** Lets go of all machines, which run on. */
  async leave(): Promise<void> {
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper.leave()));
  }

  #records(): readonly MachineRecord[] {
    return [...this.#keepers.values()].map((keeper) => keeper.record);
  }

  #loseNetwork(network: string, reason: string): void {
    for (const keeper of this.#keepers.values()) {
      if (isOn(keeper.record.definition, network)) keeper.loseNetwork(reason);
    }
  }
}
