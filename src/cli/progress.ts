import type { Event } from '../plan/event.ts';
import { eventJson } from '../view/progress-json.ts';
import { createPlainProgress } from '../view/progress-plain.ts';
import { createPaint } from '../view/style.ts';
import { type Context, tell } from './context.ts';

/** Shows a request while it runs; on stderr, so that stdout stays for data. */
export interface ProgressSink {
  event(event: Event): void;
  /** Resolves when everything is shown. */
  end(): Promise<void>;
}

export interface ProgressOptions {
  /** Whether other lines come between, as in an attached `up`: then nothing may be redrawn. */
  readonly withLogs: boolean;
}

const NARROWEST_COLUMNS = 20;

/** The view that `--progress` asks for. */
export async function createProgress(context: Context, options: ProgressOptions): Promise<ProgressSink> {
  switch (context.global.progress) {
    case 'json':
      return {
        event: (event) => void context.stderr.stream.write(`${eventJson(event)}\n`),
        async end() {},
      };
    case 'quiet':
      return lineSink(context, failuresOnly(context));
    case 'plain':
      return plainSink(context);
    case 'tty':
      return ttySink(context);
    case 'auto': {
      // A terminal may say that it has no columns, as those of some CI systems do.
      const isWide = (context.stderr.columns ?? 0) >= NARROWEST_COLUMNS;
      const drawable = isWide && context.global.ansi !== 'never' && context.env['TERM'] !== 'dumb';
      return drawable && !options.withLogs ? ttySink(context) : plainSink(context);
    }
  }
}

async function ttySink(context: Context): Promise<ProgressSink> {
  const { createTtyProgress } = await import('./progress-tty.ts');
  return createTtyProgress(context.stderr.stream as NodeJS.WriteStream, plainSink(context));
}

function plainSink(context: Context): ProgressSink {
  return lineSink(context, createPlainProgress(createPaint(context.stderr.color)));
}

function failuresOnly(context: Context): (event: Event) => readonly string[] {
  const render = createPlainProgress(createPaint(context.stderr.color));
  return (event) => {
    const lines = render(event);
    if (event.type === 'plan') return (event.errors ?? []).map((error) => `krun: ${error}`);
    return event.type === 'action-failed' ? lines : [];
  };
}

function lineSink(context: Context, render: (event: Event) => readonly string[]): ProgressSink {
  return {
    event(event) {
      for (const line of render(event)) tell(context, line);
    },
    async end() {},
  };
}
