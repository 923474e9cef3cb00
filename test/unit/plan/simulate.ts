import { isDeepStrictEqual } from 'node:util';
import { attachedDisks, diskLabel, namedDisks } from '../../../src/plan/machine-disks.ts';
import type { Action, Plan, PlanNode, WaitCondition } from '../../../src/plan/action.ts';
import { portKeys } from '../../../src/plan/handover.ts';
import { processNetworks } from '../../../src/plan/network-use.ts';
import { isActive } from '../../../src/plan/machine-state.ts';
import type { Observed, ObservedDisk, ObservedMachine } from '../../../src/plan/observed.ts';
import type { Machine } from '../../../src/project/project.ts';
import { exited, running, runningWith } from './support.ts';

/** A project's world in memory, in which an action fails that could not be done in the real one. */
class World {
  readonly machines: Map<string, ObservedMachine>;
  readonly disks: Map<string, ObservedDisk>;
  readonly stale: Map<string, string>;

  constructor(observed: Observed) {
    this.machines = new Map(Object.entries(observed.machines));
    this.disks = new Map(Object.entries(observed.disks));
    this.stale = new Map(Object.entries(observed.staleBuilds));
  }

  get observed(): Observed {
    return {
      machines: Object.fromEntries(this.machines),
      disks: Object.fromEntries(this.disks),
      staleBuilds: Object.fromEntries(this.stale),
    };
  }

  do(action: Action): void {
    switch (action.type) {
      case 'build':
        check(!this.#runs(action.machine), 'builds under a running machine');
        this.stale.delete(action.machine);
        break;
      case 'create-disk':
        check(!this.disks.has(action.disk.name), 'creates a disk that exists');
        this.disks.set(action.disk.name, { format: action.disk.format, sizeBytes: action.disk.sizeBytes });
        break;
      case 'grow-disk':
        check(this.#holders(action.disk.name).length === 0, 'grows a disk under a running machine');
        check(this.disks.get(action.disk.name)?.sizeBytes === action.fromBytes, 'grows from another size');
        this.disks.set(action.disk.name, { format: action.disk.format, sizeBytes: action.disk.sizeBytes });
        break;
      case 'remove-disk':
        check(this.#holders(action.name).length === 0, 'removes a disk under a running machine');
        check(this.disks.delete(action.name), 'removes a disk that does not exist');
        break;
      case 'create':
        check(!this.machines.has(action.machine), 'creates a machine that exists');
        this.#put(action.definition, action.hash, { status: 'created' });
        break;
      case 'update':
        if (this.#runs(action.machine)) this.#checkHeld(action.definition);
        this.#put(action.definition, action.hash, this.#stateAfterUpdate(action.machine, action.definition));
        break;
      case 'start':
        this.#start(this.#get(action.machine));
        break;
      case 'wait':
        this.#wait(this.#get(action.machine));
        check(
          this.#isMet(action.machine, action.condition),
          `waits until ${action.machine} is ${action.condition}`,
        );
        break;
      case 'stop':
        check(this.#runs(action.machine), 'stops what does not run');
        this.#set(action.machine, exited(143));
        break;
      case 'kill':
        check(this.#runs(action.machine), 'kills what does not run');
        break;
      case 'remove':
        check(!this.#runs(action.machine), 'removes a running machine');
        check(this.machines.delete(action.machine), 'removes what does not exist');
        break;
    }
  }

  #start({ definition, state }: ObservedMachine): void {
    check(!isActive(state), 'starts what runs');
    check(!this.stale.has(definition.name) || !definition.build, 'starts on a stale root');
    for (const name of namedDisks(definition)) check(this.disks.has(name), 'starts without its disk');
    for (const disk of attachedDisks(definition)) {
      const others = this.#holders(diskLabel(disk));
      check(!others.some((writes) => writes || !disk.readOnly), 'starts on a disk that another machine has');
    }
    for (const [need, { condition }] of Object.entries(definition.dependsOn)) {
      check(this.#isMet(need, condition), `starts ${definition.name} before ${need} is ${condition}`);
    }
    this.#checkHeld(definition);
    this.#set(definition.name, definition.healthcheck ? runningWith('starting') : running);
  }

  #isMet(name: string, condition: WaitCondition): boolean {
    const state = this.machines.get(name)?.state;
    if (!state) return false;
    const isDone = state.status === 'exited' && state.exit.code === 0;
    switch (condition) {
      case 'completed_successfully':
        return isDone;
      case 'started':
      case 'running_or_completed':
        return isDone || isActive(state);
      case 'healthy':
      case 'log_ready':
        return state.status === 'running' && state.health?.status === 'healthy';
    }
  }

  /** A new health check begins from nothing. */
  #stateAfterUpdate(name: string, { healthcheck }: Machine): ObservedMachine['state'] {
    const { definition, state } = this.#get(name);
    if (state.status !== 'running' || isDeepStrictEqual(definition.healthcheck, healthcheck)) return state;
    return healthcheck ? runningWith('starting') : running;
  }

  /** Ports are for one machine, and a network has one shape for all that run on it. */
  #checkHeld(definition: Machine): void {
    const ports = new Set(portKeys(definition));
    const shapes = new Map(
      processNetworks(definition).map((one) => [one.attachment.network.name, one.shape]),
    );
    for (const [name, other] of this.machines) {
      if (name === definition.name || !isActive(other.state)) continue;
      check(
        !portKeys(other.definition).some((port) => ports.has(port)),
        'takes a port that another machine has',
      );
      for (const { attachment, shape } of processNetworks(other.definition)) {
        const own = shapes.get(attachment.network.name);
        check(own === undefined || own === shape, 'starts on a network that has another shape');
      }
    }
  }

  /** Tasks end, and services get healthy, when somebody waits for them. */
  #wait({ definition, state }: ObservedMachine): void {
    if (definition.kind === 'task' && isActive(state)) this.#set(definition.name, exited(0));
    else if (isActive(state)) {
      this.#set(definition.name, definition.healthcheck ? runningWith('healthy') : running);
    }
  }

  /** For each running machine that has the disk, whether it writes. */
  #holders(label: string): readonly boolean[] {
    return [...this.machines.values()]
      .filter(({ state }) => isActive(state))
      .flatMap(({ definition }) => attachedDisks(definition))
      .filter((disk) => diskLabel(disk) === label)
      .map((disk) => !disk.readOnly);
  }

  #get(name: string): ObservedMachine {
    const machine = this.machines.get(name);
    if (!machine) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  #runs(name: string): boolean {
    return isActive(this.machines.get(name)?.state ?? { status: 'created' });
  }

  #put(definition: Machine, hash: string, state: ObservedMachine['state']): void {
    this.machines.set(definition.name, { definition, hash, state, stoppedByUser: false });
  }

  #set(name: string, state: ObservedMachine['state']): void {
    this.machines.set(name, { ...this.#get(name), state });
  }
}

function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(`the plan ${otherwise}`);
}

/** Does a plan in an order of its own choice that the edges allow, and gives the world after it. */
export function simulate(plan: Plan, observed: Observed, choose: (count: number) => number): Observed {
  const world = new World(observed);
  const left = new Map(plan.nodes.map((node) => [node.id, node]));
  while (left.size > 0) {
    const ready = [...left.values()].filter((node) => node.after.every((id) => !left.has(id)));
    const node = ready[choose(ready.length)] as PlanNode;
    try {
      world.do(node.action);
    } catch (error) {
      throw new Error(`[${node.id}] ${(error as Error).message}`, { cause: error });
    }
    left.delete(node.id);
  }
  return world.observed;
}
