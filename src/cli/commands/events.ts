import type { Event } from '../../plan/event.ts';
import { createEventLines } from '../../view/events.ts';
import { eventJson } from '../../view/progress-json.ts';
import { resolveTimePoint, type TimePoint } from '../time-point.ts';
import { type Context, print } from '../context.ts';
import { EventCursor, followEvents } from '../event-follow.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { locateProject } from '../project.ts';

export interface EventsArgs {
  readonly json?: boolean;
  readonly since?: TimePoint;
}

/** `krun events`: from the file that the supervisor appends to, so that it survives the supervisor. */
export async function run(context: Context, args: EventsArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const since = args.since && resolveTimePoint(args.since, context.now());
  const cursor = new EventCursor(layout.value.eventsFile);
  const eventLine = createEventLines();
  // Of a request that is under way, the plan is among what is left out.
  if (since === undefined) for (const event of cursor.appended()) eventLine(event);
  const end = new AbortController();
  let code: ExitCode = EXIT.ok;
  const unlisten = context.interrupts.listen((signal) => {
    code = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
    end.abort();
  });
  const show = (event: Event): void => {
    const line = args.json ? eventJson(event) : eventLine(event);
    if (since === undefined || event.time >= since) print(context, line);
  };
  try {
    if (since !== undefined) showRotated(layout.value.eventsFile, show);
    await followEvents(cursor, layout.value.stateDirectory, end.signal, show);
  } finally {
    cursor.close();
    unlisten();
  }
  return code;
}

/** Events before the last rotation. */
function showRotated(eventsFile: string, show: (event: Event) => void): void {
  const cursor = new EventCursor(`${eventsFile}.1`);
  try {
    for (const event of cursor.appended()) show(event);
  } finally {
    cursor.close();
  }
}
