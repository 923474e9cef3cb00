import { isDeepStrictEqual } from 'node:util';
import type { FileAccess } from '../config/file-access.ts';
import { nodeFiles } from '../host/node-files.ts';
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

/** Watches a project for a command: edits of its files go the way of `krun up`. */
export function createProjectWatch(context: Context, wishes: WatchWishes): ProjectWatch {
  const { loaded } = wishes;
  const { project, layout, result } = loaded;
  return new ProjectWatch({
    layout,
    loaded: { project, texts: result.texts },
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
      // What came through standard input cannot be read again.
      if (context.global.files.includes('-'))
        return { project: newest.project, texts: seen, asked: new Set() };
      const files = listeningFiles();
      const result = await loadConfiguration(context, named, { files });
      const { project, texts, diagnostics } = result;
      const { asked } = files;
      if (isDeepStrictEqual(seen, texts)) return { ...(project ? { project } : {}), texts, asked };
      seen = texts;
      await output.between(() => tellDiagnostics(context, diagnostics, texts));
      if (!project) return { texts, asked };
      newest = { project, result };
      return { project, texts, asked };
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

/** The real files, and which of them were asked for: those that are read, and those that would be if they were there. */
function listeningFiles(): FileAccess & { readonly asked: ReadonlySet<string> } {
  const files = nodeFiles();
  const asked = new Set<string>();
  return {
    ...files,
    asked,
    readFile(file) {
      asked.add(file);
      return files.readFile(file);
    },
    async kindOf(file) {
      const kind = await files.kindOf(file);
      if (kind === 'missing') asked.add(file);
      return kind;
    },
  };
}
