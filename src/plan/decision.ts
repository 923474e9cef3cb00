import { own } from '../base/record.ts';
import { isSameMachine, machineHash } from '../project/hash.ts';
import type { Machine } from '../project/project.ts';
import { rootKey } from '../project/shared-builds.ts';
import { notRunningCause } from './causes.ts';
import { differencesText, machineDifferences, needsRecreate } from './differences.ts';
import { isActive } from './machine-state.ts';
import type { Observed, ObservedMachine } from './observed.ts';
import type { PlanBuilder } from './plan-builder.ts';
import type { UpRequest } from './request.ts';
import { isSuccess } from './restart.ts';

/** What `up` does to one machine. Each step carries its cause; a step without one is not taken. */
export interface Decision {
  /** What the machine is defined as once the plan is done. */
  readonly definition: Machine;
  readonly hash: string;
  readonly before?: ObservedMachine;
  readonly stop?: string;
  readonly remove?: string;
  readonly build?: string;
  readonly create?: string;
  readonly update?: string;
  readonly start?: string;
}

/** Decides about one machine of the project; remarks go to the builder. */
export function decide(
  request: UpRequest,
  observed: Observed,
  machine: Machine,
  builder: PlanBuilder,
): Decision {
  const hash = machineHash(machine);
  const forced = request.rebuild?.includes(machine.name) ? 'to be built again' : undefined;
  const stale = staleBuild(observed, machine, builder) ?? (machine.build && forced);
  const before = own(observed.machines, machine.name);
  if (!before) return decideNew(request, machine, hash, stale);
  const change = decideChange(request, machine, hash, before);
  if (change.kept !== undefined) {
    builder.note(`machine ${machine.name} is kept as it is (--no-recreate): ${change.kept}`);
  }
  const active = isActive(before.state);
  // A build would pull the root away under a running machine.
  const rebuild = stale !== undefined && !(active && request.recreate === 'never') ? stale : undefined;
  if (stale !== undefined && rebuild === undefined) {
    builder.note(`machine ${machine.name} is not built again (--no-recreate): ${stale}`);
  }
  const present = change.kept === undefined ? { definition: machine, hash } : before;
  const again = change.recreate ?? rebuild ?? changedGrants(request, observed, machine, builder);
  const interruption = again ?? stoppingCause(before);
  const start = request.noStart ? undefined : startCause(machine, before, again);
  return steps({
    definition: present.definition,
    hash: present.hash,
    before,
    stop: active ? interruption : undefined,
    remove: change.recreate,
    build: rebuild,
    create: change.recreate,
    update: change.update,
    start,
  });
}

/** Contents are read at a start: a running machine whose secrets or configs have changed is started again. */
function changedGrants(
  request: UpRequest,
  observed: Observed,
  { name }: Machine,
  builder: PlanBuilder,
): string | undefined {
  const before = own(observed.machines, name);
  const changed = before && isActive(before.state) ? own(observed.changedGrants ?? {}, name) : undefined;
  if (changed === undefined) return undefined;
  if (!request.noStart && request.recreate !== 'never') return changed;
  const why = request.noStart ? '--no-start' : '--no-recreate';
  builder.note(`machine ${name} runs on with what it has (${why}): ${changed}`);
  return undefined;
}

/** Why the machine's root has to be built; one that `krun run` makes takes the root that another one runs on. */
function staleBuild(observed: Observed, machine: Machine, builder: PlanBuilder): string | undefined {
  const stale = machine.build ? own(observed.staleBuilds, machine.name) : undefined;
  if (stale === undefined || !machine.oneOff) return stale;
  const root = rootKey(machine);
  const [user] =
    Object.entries(observed.machines).find(
      ([, { state, definition }]) => isActive(state) && rootKey(definition) === root,
    ) ?? [];
  if (user === undefined) return stale;
  builder.note(`the root is not built again while ${user} runs on it: ${stale}`);
  return undefined;
}

function decideNew(request: UpRequest, machine: Machine, hash: string, stale: string | undefined): Decision {
  const place = own(request.project.origins, `machines.${machine.name}`);
  const cause = machine.oneOff
    ? `krun run ${machine.oneOff.of}`
    : place === undefined
      ? 'new machine'
      : `new machine (${place})`;
  return steps({
    definition: machine,
    hash,
    build: stale,
    create: cause,
    start: request.noStart ? undefined : cause,
  });
}

interface ChangeDecision {
  /** Why the machine is made anew. */
  readonly recreate?: string;
  /** What is written to the record of the present machine. */
  readonly update?: string;
  /** Why it should be made anew, where the request forbids it. */
  readonly kept?: string;
}

function decideChange(
  request: UpRequest,
  machine: Machine,
  hash: string,
  before: ObservedMachine,
): ChangeDecision {
  // Only named machines are forced: their dependencies are brought up, not renewed.
  const named = request.machines.length === 0 || request.machines.includes(machine.name);
  if (request.recreate === 'force' && named) return { recreate: 'recreate forced (--force-recreate)' };
  const same = isSameMachine(before, hash);
  const differences = machineDifferences(before.definition, machine, request.project.origins);
  if (same) {
    const live = differences.filter((difference) => !needsRecreate(difference));
    return live.length > 0 ? { update: differencesText(live) } : {};
  }
  const cause = differencesText(differences.filter(needsRecreate)) || 'definition changed';
  return request.recreate === 'never' ? { kept: cause } : { recreate: cause };
}

function startCause(
  machine: Machine,
  before: ObservedMachine,
  changeCause: string | undefined,
): string | undefined {
  if (changeCause !== undefined) return changeCause;
  const { state } = before;
  if (isActive(state)) return stoppingCause(before);
  const done = machine.kind === 'task' && state.status === 'exited' && isSuccess(state.exit);
  return done ? undefined : notRunningCause(before);
}

/** A machine that was being stopped when the supervisor ended has to end before it can start. */
function stoppingCause(before: ObservedMachine): string | undefined {
  return before.state.status === 'stopping' ? notRunningCause(before) : undefined;
}

type Loose<T> = { readonly [K in keyof T]: T[K] | undefined };

/** Drops the steps that are not taken. */
function steps(decision: Pick<Decision, 'definition' | 'hash'> & Loose<Partial<Decision>>): Decision {
  return Object.fromEntries(
    Object.entries(decision).filter(([, value]) => value !== undefined),
  ) as unknown as Decision;
}
