import { describe, expect, test } from 'vitest';
import type { MachineState } from '../../../src/plan/machine-state.ts';
import type { Observed, ObservedMachine } from '../../../src/plan/observed.ts';
import { printPlan } from '../../../src/plan/print.ts';
import { planRequest } from '../../../src/plan/reconcile.ts';
import type { Dependency, Machine, Project } from '../../../src/project/project.ts';
import { onGvproxy } from '../../support/definitions.ts';
import { simulate } from './simulate.ts';
import {
  checkOrder,
  disk,
  exited,
  inState,
  machine,
  namedDisk,
  nothing,
  observe,
  project,
  restarting,
  running,
  runningWith,
  seen,
  tcpCheck,
  up,
} from './support.ts';

/** Numbers that look random and are the same in every run (mulberry32). */
function randomNumbers(seed: number): (count: number) => number {
  let state = seed;
  return (count) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  };
}

type Choose = ReturnType<typeof randomNumbers>;

const NAMES = Array.from({ length: 8 }, (_, index) => `m${index}`);
const GIB = 1024 ** 3;
const PORT = { hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' } as const;

/** A project in which every machine depends on earlier ones only, and no two can hold one disk. */
function randomProject(choose: Choose): Project {
  const names = NAMES.filter(() => choose(4) > 0);
  // From project to project the disks move on to other machines.
  const shift = choose(NAMES.length);
  const mtu = choose(2) === 0 ? 1500 : 1400;
  const machines = names.map((name, index) => {
    const place = (NAMES.indexOf(name) + shift) % NAMES.length;
    const ownDisk = `d-${NAMES[place]}`;
    const one = randomMachine(name, names.slice(0, index), ownDisk, choose);
    if (choose(2) === 0) return one;
    const ports = choose(2) === 0 ? [] : [{ ...PORT, host: 8000 + place }];
    return { ...one, networks: [onGvproxy(name, { mtu })], ports };
  });
  const disks = Object.fromEntries(NAMES.map((name) => [`d-${name}`, disk(`d-${name}`, 1 + choose(3))]));
  return project(fixConditions(machines, choose), {
    disks: { ...disks, common: disk('common', 1 + choose(2)) },
  });
}

function randomMachine(name: string, earlier: readonly string[], ownDisk: string, choose: Choose): Machine {
  const dependsOn: Record<string, Dependency> = {};
  for (const need of earlier) if (choose(3) === 0) dependsOn[need] = { condition: 'started' };
  const own = choose(2) === 0 ? [namedDisk(ownDisk)] : [];
  const common = choose(4) === 0 ? [namedDisk('common', { readOnly: true })] : [];
  return machine(name, {
    kind: choose(3) === 0 ? 'task' : 'service',
    cpus: 1 + choose(2),
    stopSignal: choose(4) === 0 ? 'SIGINT' : 'SIGTERM',
    disks: [...own, ...common],
    dependsOn,
    ...(choose(3) === 0 ? { healthcheck: tcpCheck(80 + choose(2)) } : {}),
    ...(choose(3) === 0 ? { build: { command: ['x'], inputs: [], directory: '/p', environment: {} } } : {}),
  });
}

/** What depends on a task waits until it is done, and on what has a health check, until it is healthy. */
function fixConditions(machines: readonly Machine[], choose: Choose): readonly Machine[] {
  const byName = new Map(machines.map((one) => [one.name, one]));
  return machines.map((one) => ({
    ...one,
    dependsOn: Object.fromEntries(
      Object.keys(one.dependsOn).map((need) => [need, dependencyOn(byName.get(need), choose)]),
    ),
  }));
}

function dependencyOn(need: Machine | undefined, choose: Choose): Dependency {
  if (need?.kind === 'task') return { condition: 'completed_successfully' };
  const condition = need?.healthcheck && choose(2) === 0 ? 'healthy' : 'started';
  return { condition, ...(choose(3) === 0 ? { restart: true } : {}) };
}

const STATES = [
  running,
  running,
  exited(0),
  exited(1),
  { status: 'created' },
  inState('starting'),
  inState('stopping'),
  restarting(1),
] as const;

const HEALTH = ['starting', 'healthy', 'unhealthy'] as const;

function withHealth({ healthcheck }: Machine, state: MachineState, choose: Choose): MachineState {
  if (state.status !== 'running' || !healthcheck) return state;
  return runningWith(HEALTH[choose(HEALTH.length)] ?? 'starting');
}

/** A world that an earlier version of the project left behind, in any state of repair. */
function randomWorld(choose: Choose): Observed {
  const before = randomProject(choose);
  const machines = Object.values(before.machines)
    .filter(() => choose(4) > 0)
    .map((definition): ObservedMachine =>
      seen(definition, withHealth(definition, STATES[choose(STATES.length)] ?? running, choose)),
    );
  const used = new Set(machines.flatMap(({ definition }) => definition.disks.map((one) => one.source)));
  const names = [...used].flatMap((source) => (source.kind === 'named' ? [source.name] : []));
  return {
    machines: Object.fromEntries(machines.map((one) => [one.definition.name, one])),
    disks: Object.fromEntries(
      names.map((name) => [name, { format: 'raw', sizeBytes: (1 + choose(3)) * GIB }]),
    ),
    staleBuilds: Object.fromEntries(
      NAMES.filter(() => choose(3) === 0).map((name) => [name, 'input mkroot.sh changed']),
    ),
  };
}

/** The project's own machines, all of them running, with each other's ports: nothing has to be made anew for that. */
function worldWithMovedPorts({ machines }: Project, choose: Choose): Observed {
  const free = Object.values(machines).flatMap(({ ports }) => (ports.length > 0 ? [ports] : []));
  const before = Object.values(machines).map((definition) => {
    if (definition.networks.length === 0 || free.length === 0 || choose(3) === 0) {
      return seen({ ...definition, ports: [] });
    }
    return seen({ ...definition, ports: free.splice(choose(free.length), 1)[0] ?? [] });
  });
  const disks = Object.values(machines).flatMap((definition) => definition.disks);
  const names = disks.flatMap(({ source }) => (source.kind === 'named' ? [source.name] : []));
  return observe(before, {
    disks: Object.fromEntries(names.map((name) => [name, { format: 'raw', sizeBytes: GIB }])),
  });
}

/** Tasks and slow starts come to their end. */
function settle(observed: Observed): Observed {
  const machines = Object.entries(observed.machines).map(([name, one]) => {
    const isTask = one.definition.kind === 'task' && one.state.status !== 'created';
    const state = isTask && one.state.status !== 'exited' ? exited(0) : one.state;
    return [name, { ...one, state }] as const;
  });
  return { ...observed, machines: Object.fromEntries(machines) };
}

const SEEDS = Array.from({ length: 300 }, (_, index) => index + 1);

describe('every plan', () => {
  test.each(SEEDS)('holds in any order that its edges allow, and leaves nothing to do (%d)', (seed) => {
    const choose = randomNumbers(seed);
    const wanted = randomProject(choose);
    const before = choose(4) === 0 ? worldWithMovedPorts(wanted, choose) : randomWorld(choose);
    const request = up(wanted, { removeOrphans: true, wait: choose(2) === 0 });
    const recreate = choose(5) === 0 ? 'force' : 'changed';
    const plan = planRequest({ ...request, recreate }, before);
    checkOrder(plan);
    // Ports that running machines would have to exchange at one moment.
    if (plan.errors?.every((error) => error.includes(' exchange ports '))) return;
    expect(plan.errors).toBeUndefined();
    const after = settle(simulate(plan, before, choose));
    expect(printPlan({ ...planRequest(request, after), notes: [] })).toBe('nothing to do');
    expect(Object.keys(after.machines).toSorted()).toEqual(Object.keys(wanted.machines).toSorted());
  });

  test.each(SEEDS.slice(0, 100))('of down leaves nothing (%d)', (seed) => {
    const choose = randomNumbers(seed);
    const before = randomWorld(choose);
    const plan = planRequest({ type: 'down', removeDisks: true, protectedDisks: [] }, before);
    checkOrder(plan);
    const after = simulate(plan, before, choose);
    expect({ ...after, staleBuilds: {} }).toEqual(nothing);
  });

  test.each(SEEDS.slice(0, 100))('of restart leaves services running (%d)', (seed) => {
    const choose = randomNumbers(seed);
    const before = settle(simulate(planRequest(up(randomProject(choose), {}), nothing), nothing, choose));
    const plan = planRequest({ type: 'restart', machines: [] }, before);
    checkOrder(plan);
    const after = simulate(plan, before, choose);
    for (const { definition, state } of Object.values(after.machines)) {
      expect(state.status).toBe(definition.kind === 'service' ? 'running' : 'exited');
    }
  });
});
