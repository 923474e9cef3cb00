import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Event } from '../plan/event.ts';
import type { UpRequest } from '../plan/request.ts';
import type { Project } from '../project/project.ts';
import { type Loaded, ProjectWatch, type WatchPorts } from '../watch/project-watch.ts';
import type { WatchReport } from '../watch/report.ts';
import type { Context } from './context.ts';
import { loadConfiguration, type LoadedProject } from './load-project.ts';
import { tellDiagnostics } from './project.ts';
import { performForWatch } from './watch-requests.ts';

/** Where the lines of watching go. */
export interface WatchOutput {
  report(report: WatchReport): void;
  /** What happens while an edit of the project is applied. */
  progress(event: Event): void;
  /** Writes what `write` writes apart from other lines. */
  between(write: () => Promise<void>): Promise<void>;
}

export interface WatchWishes {
  readonly loaded: LoadedProject;
  /** Machines that the command names. */
  readonly named: readonly string[];
  /** The request that applies a project as the command means it. */
  readonly request: (loaded: Pick<LoadedProject, 'project' | 'result'>) => UpRequest;
  readonly choose: (project: Project) => readonly string[];
  readonly isPruning: boolean;
  readonly output: WatchOutput;
}

/** Names that a project is read from where nothing else is said. */
const CANDIDATES = ['.env', 'krun.override.yaml', 'krun.override.yml'];

/** Watches a project for a command: edits of its files go the way of `krun up`. */
export function createProjectWatch(context: Context, wishes: WatchWishes): ProjectWatch {
  const { loaded } = wishes;
  const { project, layout, result } = loaded;
  return new ProjectWatch({
    layout,
    loaded: { project, texts: result.texts },
    candidates: context.global.files.length > 0 ? [] : candidatesOf(project),
    choose: wishes.choose,
    isPruning: wishes.isPruning,
    ports: createPorts(context, wishes),
  });
}

function createPorts(context: Context, { loaded, named, request, output }: WatchWishes): WatchPorts {
  let newest: Pick<LoadedProject, 'project' | 'result'> = loaded;
  let seen = loaded.result.texts;
  return {
    async load(): Promise<Loaded> {
      const result = await loadConfiguration(context, named);
      const { project, texts, diagnostics } = result;
      if (isDeepStrictEqual(seen, texts)) return { ...(project ? { project } : {}), texts };
      seen = texts;
      await output.between(() => tellDiagnostics(context, diagnostics, texts));
      if (!project) return { texts };
      newest = { project, result };
      return { project, texts };
    },
    async apply() {
      const done = await performForWatch(context, loaded.layout, request(newest), (event) =>
        output.progress(event),
      );
      return done.ok;
    },
    again(how, machine) {
      if (how === 'restart') {
        return performForWatch(context, loaded.layout, { type: 'restart', machines: [machine] });
      }
      const again: UpRequest = {
        ...request(newest),
        machines: [machine],
        noDeps: true,
        recreate: 'changed',
        removeOrphans: false,
        rebuild: [machine],
      };
      return performForWatch(context, loaded.layout, again, (event) => {
        if (event.type === 'build-output') output.progress(event);
      });
    },
    report: (report) => output.report(report),
  };
}

function candidatesOf({ files, directory }: Project): readonly string[] {
  const [first] = files;
  const directories = new Set([directory, ...(first === undefined ? [] : [path.dirname(first)])]);
  return [...directories].flatMap((place) => CANDIDATES.map((name) => path.join(place, name)));
}
