import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Diagnostic } from '../base/diagnostic.ts';
import { err, type Result } from '../base/result.ts';
import type { Machine, Project } from '../project/project.ts';
import { type Layout, machineLayout } from '../store/layout.ts';
import type { Trouble } from './guest-work.ts';
import { followSights, type Sights } from './machine-sights.ts';
import { MachineWatch } from './machine-watch.ts';
import { ProjectFiles } from './project-files.ts';
import type { WatchReport } from './report.ts';

/** A project as it is on disk now, with the texts that it was read from. */
export interface Loaded {
  /** Absent where the files are not valid; why has been told. */
  readonly project?: Project;
  readonly texts: ReadonlyMap<string, string>;
  /** Files that were read, and those that would have been if they were there. */
  readonly asked: ReadonlySet<string>;
}

/** What watching asks of the one who runs it. */
export interface WatchPorts {
  /** Reads the project anew, and tells what is wrong with it. */
  load(): Promise<Loaded>;
  /** Makes the machines as the project says; whether that succeeded. */
  apply(project: Project): Promise<boolean>;
  /** Has a machine started again, or built again first. */
  again(how: 'restart' | 'rebuild', machine: string, project: Project): Promise<Result<void, Trouble>>;
  report(report: WatchReport): void;
}

export interface ProjectWatchOptions {
  readonly layout: Layout;
  readonly loaded: { readonly project: Project; readonly texts: ReadonlyMap<string, string> };
  /** The machines of a project that are watched. */
  readonly choose: (project: Project) => readonly string[];
  readonly isPruning: boolean;
  readonly ports: WatchPorts;
}

/** Watches the files of a project and those of its rules, until it is closed. */
export class ProjectWatch {
  readonly #options: ProjectWatchOptions;
  readonly #closing = new AbortController();
  readonly #files: ProjectFiles;
  readonly #machines = new Map<string, MachineWatch>();
  #project: Project;
  #texts: ReadonlyMap<string, string>;
  #sights: Sights = new Map();

  constructor(options: ProjectWatchOptions) {
    this.#options = options;
    this.#project = options.loaded.project;
    this.#texts = options.loaded.texts;
    this.#files = new ProjectFiles({
      onEdit: () => this.#reload(),
      onTrouble: (message, hint) =>
        options.ports.report({ type: 'watch-trouble', message, ...(hint === undefined ? {} : { hint }) }),
    });
  }

  /** Resolves when it is closed, or with what keeps it from going on. */
  async run(): Promise<Result<void, Diagnostic>> {
    let tellSeen = (): void => undefined;
    const seen = new Promise<void>((resolve) => (tellSeen = resolve));
    const following = followSights(this.#options.layout, this.#closing.signal, (sights) => {
      this.#see(sights);
      tellSeen();
    });
    // What a machine does decides what an edit means: before that is known, an edit would be told to wait, and be lost.
    const ended = await Promise.race([seen, following]);
    if (ended) return ended;
    await this.#watchMachines();
    await Promise.all([this.#reload(), ...[...this.#machines.values()].map((machine) => machine.ready)]);
    if (!this.#closing.signal.aborted) this.#tellReady();
    return following;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([
      this.#files.close(),
      ...[...this.#machines.values()].map((machine) => machine.close()),
    ]);
  }

  #see(sights: Sights): void {
    this.#sights = sights;
    for (const [name, machine] of this.#machines) machine.see(sightIn(sights, name));
  }

  #tellReady(): void {
    const machines = this.#chosen();
    const rules = machines.reduce((sum, machine) => sum + machine.watch.length, 0);
    this.#options.ports.report({ type: 'watch-ready', rules, files: this.#texts.size });
  }

  #chosen(): readonly Machine[] {
    const { machines } = this.#project;
    return this.#options.choose(this.#project).flatMap((name) => machines[name] ?? []);
  }

  /** Watches the rules of the present project; those of machines that have not changed go on undisturbed. */
  async #watchMachines(before?: Project): Promise<void> {
    const wanted = new Map(
      this.#chosen()
        .filter((machine) => machine.watch.length > 0)
        .map((machine) => [machine.name, machine]),
    );
    for (const [name, watch] of this.#machines) {
      if (isDeepStrictEqual(watchedParts(wanted.get(name)), watchedParts(before?.machines[name]))) continue;
      this.#machines.delete(name);
      await watch.close();
    }
    for (const [name, machine] of wanted) {
      if (this.#machines.has(name) || this.#closing.signal.aborted) continue;
      const watch = this.#createMachine(machine);
      this.#machines.set(name, watch);
      watch.see(sightIn(this.#sights, name));
    }
  }

  #createMachine(machine: Machine): MachineWatch {
    const { layout, isPruning, ports } = this.#options;
    return new MachineWatch({
      machine,
      controlSocket: machineLayout(layout, machine.name).controlSocket,
      directory: this.#project.directory,
      isPruning,
      report: (report) => ports.report(report),
      again: async (how, name) => {
        if (this.#closing.signal.aborted) return err({ message: 'watching has ended' });
        return ports.again(how, name, this.#project);
      },
    });
  }

  /** Reads the project anew after an edit; what is not valid changes nothing. */
  async #reload(): Promise<void> {
    const { ports } = this.#options;
    const startedMs = performance.now();
    const { project, texts, asked } = await ports.load();
    if (this.#closing.signal.aborted) return;
    await this.#files.watchOnly(asked);
    // Where the files are not valid, not all of them were read.
    const known = project ? this.#texts : new Map([...this.#texts].filter(([path]) => texts.has(path)));
    const files = editedFiles(known, texts);
    if (files.length === 0 || this.#closing.signal.aborted) return;
    const before = this.#project;
    this.#texts = new Map([...(project ? [] : this.#texts), ...texts]);
    const tell = (result: 'invalid' | 'applied' | 'same' | 'failed'): void =>
      ports.report({ type: 'watch-project', result, files, ms: performance.now() - startedMs });
    if (!project) return tell('invalid');
    this.#project = project;
    if (isDeepStrictEqual(before, project)) return tell('same');
    const applied = await ports.apply(project);
    await this.#watchMachines(before);
    tell(applied ? 'applied' : 'failed');
  }
}

function sightIn(sights: Sights, name: string): Parameters<MachineWatch['see']>[0] {
  return sights.get(name) ?? { isStoppedByUser: true };
}

/** What of a machine its rules depend on. */
function watchedParts(machine: Machine | undefined): unknown {
  return machine && [machine.watch, machine.user, machine.shares];
}

function editedFiles(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): readonly string[] {
  const paths = new Set([...before.keys(), ...now.keys()]);
  return [...paths].filter((path) => before.get(path) !== now.get(path)).map((path) => basename(path));
}
