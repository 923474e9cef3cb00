import type { Event } from '../plan/event.ts';
import { machineLayout, type Layout } from '../store/layout.ts';
import { createLogView, type LogView } from '../view/logs.ts';
import { FailedStarts } from '../view/failed-starts.ts';
import { describeChange } from '../view/state.ts';
import { createPaint } from '../view/style.ts';
import { watchLines } from '../view/watch.ts';
import type { WatchReport } from '../watch/report.ts';
import { type Context, tell, tellJson, wantsJson } from './context.ts';
import { followLogs } from './log-follow.ts';
import { viewEntry } from './log-output.ts';
import { createProgress } from './progress.ts';

/** Which logs an attached `up` shows, and how. */
export interface LogChoice {
  readonly attach?: readonly string[];
  readonly notAttached?: readonly string[];
  readonly logPrefix: boolean;
  readonly timestamps?: boolean;
}

export type StateEvent = Extract<Event, { type: 'state' }>;

/** Ends are told, and why; what an action does is told with the action. */
function changeLines({ machine, state }: StateEvent): readonly string[] {
  switch (state.status) {
    case 'failed':
      return [
        describeChange(machine, state),
        `  hint: ${state.hint ?? `krun logs --stream console ${machine}`}`,
      ];
    case 'exited':
    case 'restarting':
      return [describeChange(machine, state)];
    case 'created':
    case 'starting':
    case 'stopping':
      return [];
    case 'running':
      return state.health?.status === 'unhealthy' ? [describeChange(machine, state)] : [];
  }
}

/** What an attached `up` writes: logs on stdout; progress and changes of state on stderr. */
export interface AttachedOutput {
  /** Machines whose output can be shown. */
  readonly machines: readonly string[];
  /** Machines whose output is shown. */
  readonly shown: readonly string[];
  /** Shows the output of these machines only; that of others is in `krun logs`. */
  show(machines: readonly string[]): void;
  /** What watching has done. */
  report(report: WatchReport): void;
  /** Writes something else, not in the middle of a line. */
  between(write: () => Promise<void>): Promise<void>;
  progress(event: Event): void;
  tell(text: string): void;
  /** A change of state, in words or, for a program, as the event itself. */
  change(event: StateEvent): void;
  /** Shows what is still in the logs, and resolves. */
  end(): Promise<void>;
}

export async function openAttachedOutput(
  context: Context,
  layout: Layout,
  machines: readonly string[],
  choice: LogChoice,
): Promise<AttachedOutput> {
  const offered = (choice.attach ?? machines).filter((machine) => !choice.notAttached?.includes(machine));
  const view = createLogView({
    labels: offered,
    color: context.stdout.color,
    prefix: choice.logPrefix,
    timestamps: choice.timestamps ?? false,
  });
  const progress = await createProgress(context, { withLogs: true });
  const ending = new AbortController();
  let shown: readonly string[] = offered;
  const logs = startLogs(context, {
    layout,
    machines: offered,
    view,
    signal: ending.signal,
    isShown: (machine) => shown.includes(machine),
  });
  const paint = createPaint(context.stderr.color);
  const failedStarts = new FailedStarts();
  const between = (write: () => void): void => {
    const close = view.close();
    if (close !== '') context.stdout.stream.write(close);
    write();
  };
  return {
    machines: offered,
    get shown() {
      return shown;
    },
    show: (chosen) => void (shown = chosen),
    report: (report) =>
      between(() => {
        if (wantsJson(context)) tellJson(context, { ...report });
        else for (const line of watchLines(report, paint)) tell(context, line);
      }),
    async between(write) {
      between(() => undefined);
      await write();
    },
    progress(event) {
      failedStarts.see(event);
      between(() => progress.event(event));
    },
    tell: (text) => between(() => tell(context, text)),
    change: (event) =>
      between(() => {
        if (wantsJson(context)) progress.event(event);
        else if (event.state.status !== 'failed' || !failedStarts.tells(event.machine))
          for (const line of changeLines(event)) tell(context, line);
      }),
    async end() {
      ending.abort();
      await logs;
      await progress.end();
    },
  };
}

interface Logs {
  readonly layout: Layout;
  readonly machines: readonly string[];
  readonly view: LogView;
  readonly signal: AbortSignal;
  readonly isShown: (machine: string) => boolean;
}

/** Output that comes from now on: what machines wrote before is in `krun logs`. */
function startLogs(context: Context, { layout, machines, view, signal, isShown }: Logs): Promise<void> {
  const query = {
    since: new Date(context.now()),
    accept: (line: { readonly s: string }) => line.s === 'stdout' || line.s === 'stderr',
  };
  const sources = machines.map((machine) => ({
    origin: { machine },
    file: machineLayout(layout, machine).logFile,
  }));
  return followLogs({
    list: async () => sources,
    query,
    laterQuery: query,
    parents: [layout.machinesDirectory],
    signal,
    onEntry: (entry) => {
      if (isShown(entry.source.origin.machine)) context.stdout.stream.write(view.entry(viewEntry(entry)));
    },
  });
}
