import { performance } from 'node:perf_hooks';
import type { KrunFile } from '../src/config/schema.gen.ts';
import type { Plan } from '../src/plan/action.ts';
import type { MachineState } from '../src/plan/machine-state.ts';
import type { Observed } from '../src/plan/observed.ts';
import { planRequest } from '../src/plan/reconcile.ts';
import type { UpRequest } from '../src/plan/request.ts';
import { machineHash } from '../src/project/hash.ts';
import type { Project } from '../src/project/project.ts';
import { resolveProject } from '../src/project/resolve.ts';
import { toPlain } from '../src/source/locate.ts';
import { LINUX_HOST } from '../test/support/host-facts.ts';
import { parseYaml } from '../src/source/parse.ts';

const MACHINES = 1000;
const ROUNDS = 20;

/** One measured row of the table of benchmarks. */
export interface PlanBenchmark {
  readonly name: string;
  /** Fastest of several rounds: what others do on the machine only adds. */
  readonly ms: number;
  readonly microsecondsPerMachine: number;
  /** Time for each machine against that in a project of a tenth of the size: 10 where a step is quadratic. */
  readonly growth: number;
  readonly actions: number;
}

/** Measures planning of a project of 1,000 machines in the situations that matter. */
export async function run(): Promise<readonly PlanBenchmark[]> {
  const rows = SITUATIONS.map(({ name, make }) => {
    const small = measure(make(MACHINES / 10));
    const large = measure(make(MACHINES));
    return {
      name: `${name}, ${MACHINES} machines`,
      ms: round(large.ms),
      microsecondsPerMachine: round((large.ms * 1000) / MACHINES),
      growth: round(large.ms / MACHINES / (small.ms / (MACHINES / 10))),
      actions: large.actions,
    };
  });
  for (const row of rows) {
    console.log(
      `${row.name}: ${row.ms} ms, ${row.microsecondsPerMachine} us a machine, growth ${row.growth}, ${row.actions} actions`,
    );
  }
  return rows;
}

interface Situation {
  readonly name: string;
  readonly make: (machines: number) => () => number;
}

const SITUATIONS: readonly Situation[] = [
  {
    name: 'resolve',
    make: (machines) => {
      const text = projectText(machines);
      const tree = parsed(text);
      return () => Object.keys(resolved(tree, text).machines).length;
    },
  },
  { name: 'plan the first up', make: (machines) => planner(machines, () => undefined) },
  { name: 'plan an up without changes', make: (machines) => planner(machines, (project) => project) },
  {
    name: 'plan an up that recreates all',
    make: (machines) => planner(machines, (project) => withMemory(project, 256)),
  },
  {
    name: 'plan a down',
    make: (machines) => {
      const project = projectOf(machines);
      const observed = observe(project);
      const request = { type: 'down', removeDisks: true, protectedDisks: [] } as const;
      return () => count(planRequest(request, observed));
    },
  },
];

function planner(machines: number, before: (project: Project) => Project | undefined): () => number {
  const project = projectOf(machines);
  const request: UpRequest = {
    type: 'up',
    project,
    machines: [],
    noDeps: false,
    recreate: 'changed',
    removeOrphans: false,
    noStart: false,
    wait: true,
  };
  const observed = observe(before(project));
  return () => count(planRequest(request, observed));
}

function count(plan: Plan): number {
  if (plan.errors) throw new Error(`the plan is refused: ${plan.errors.join('; ')}`);
  return plan.nodes.length;
}

/** Chains of ten machines that all hang on one database; every tenth machine has a disk, every fifth a port. */
function projectText(machines: number): string {
  const names = Array.from({ length: machines }, (_, index) => `m${String(index).padStart(5, '0')}`);
  const lines = names.map((name, index) => {
    const needs = index === 0 ? [] : index % 10 === 0 ? [names[0]] : [names[0], names[index - 1]];
    const disk = index % 10 === 0 ? `, disks: [d${index}]` : '';
    const ports = index % 5 === 0 ? `, ports: ["${10_000 + index}:80"]` : '';
    const more = `environment: { A: "1", B: "2", C: "3" }, shares: ["./src:/app:ro"]${disk}${ports}`;
    return `  ${name}: { root: ./rootfs, command: [/bin/app, -v], depends_on: [${needs.join(', ')}], ${more} }`;
  });
  const disks = names.flatMap((_, index) => (index % 10 === 0 ? [`  d${index}: { size: 1GiB }`] : []));
  const networks = 'networks: { default: { subnet: 10.0.0.0/16 } }';
  return `${networks}\nmachines:\n${lines.join('\n')}\ndisks:\n${disks.join('\n')}\n`;
}

type Parsed = Extract<NonNullable<ReturnType<typeof parseYaml>['tree']>, { kind: 'map' }>;

function parsed(text: string): Parsed {
  const { tree } = parseYaml({ path: '/p/krun.yaml', text });
  if (tree?.kind !== 'map') throw new Error('the benchmark has no valid YAML');
  return tree;
}

function resolved(tree: Parsed, text: string): Project {
  const { project, diagnostics } = resolveProject({
    config: toPlain(tree) as KrunFile,
    tree,
    directory: '/p',
    files: ['/p/krun.yaml'],
    texts: new Map([['/p/krun.yaml', text]]),
    name: 'bench',
    profiles: [],
    hostCpus: 8,
    host: LINUX_HOST,
    environment: {},
  });
  if (!project) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  return project;
}

function projectOf(machines: number): Project {
  const text = projectText(machines);
  return resolved(parsed(text), text);
}

function withMemory(project: Project, memoryMiB: number): Project {
  const machines = Object.entries(project.machines).map(([name, machine]) => [
    name,
    { ...machine, memoryMiB },
  ]);
  return { ...project, machines: Object.fromEntries(machines) };
}

/** A world in which the project, if there is one, runs. */
function observe(project: Project | undefined): Observed {
  const state: MachineState = { status: 'running', run: 1, since: '2026-11-20T10:00:00.000Z' };
  const machines = Object.values(project?.machines ?? {}).map((definition) => [
    definition.name,
    { hash: machineHash(definition), definition, state, stoppedByUser: false },
  ]);
  const disks = Object.values(project?.disks ?? {}).map(({ name, format, sizeBytes }) => [
    name,
    { format, sizeBytes },
  ]);
  return {
    machines: Object.fromEntries(machines),
    disks: Object.fromEntries(disks),
    staleBuilds: {},
  };
}

function measure(work: () => number): { readonly ms: number; readonly actions: number } {
  let ms = Infinity;
  let actions = 0;
  for (let index = 0; index < ROUNDS; index++) {
    const start = performance.now();
    actions = work();
    ms = Math.min(ms, performance.now() - start);
  }
  return { ms, actions };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
