import { createPaint, type Paint, PREFIX_STYLES } from './style.ts';

/** Who says it. */
export type LogOrigin =
  | {
      readonly machine: string;
      /** Program behind the stream `helper`, where it is a single one. */
      readonly helper?: string;
    }
  | { readonly network: string };

/** One piece of output. */
export interface LogEntry {
  readonly origin: LogOrigin;
  readonly time: string;
  readonly stream: 'stdout' | 'stderr' | 'console' | 'helper' | 'network';
  readonly text: string;
  /** The line goes on in the next entry of the same stream. */
  readonly partial: boolean;
}

export interface LogViewOptions {
  /** Prefixes known from the start; their order decides the colours. */
  readonly labels: readonly string[];
  readonly color: boolean;
  readonly prefix: boolean;
  readonly timestamps: boolean;
}

/** Turns output of several origins into text; keeps in mind whether the last line is still open. */
export interface LogView {
  /** Text to write, with its newline unless the line goes on. */
  entry(entry: LogEntry): string;
  /** What ends an open line before something else is written to the terminal; empty where none is open. */
  close(): string;
}

export function createLogView(options: LogViewOptions): LogView {
  const paint = createPaint(options.color);
  const order: string[] = [];
  let width = 0;
  const add = (label: string): void => {
    if (order.includes(label)) return;
    order.push(label);
    width = Math.max(width, label.length);
  };
  options.labels.forEach(add);
  let open: string | undefined;
  const prefixOf = (entry: LogEntry): string => {
    const label = logLabel(entry.origin, entry.stream);
    add(label);
    const name = options.prefix ? prefix(paint, order.indexOf(label), label.padEnd(width)) : '';
    return options.timestamps ? `${name}${entry.time} ` : name;
  };
  return {
    entry(entry) {
      const key = `${logLabel(entry.origin, entry.stream)}/${entry.stream}`;
      const start = open === key ? '' : `${open === undefined ? '' : '\n'}${prefixOf(entry)}`;
      open = entry.partial ? key : undefined;
      return `${start}${entry.text}${entry.partial ? '' : '\n'}`;
    },
    close() {
      const text = open === undefined ? '' : '\n';
      open = undefined;
      return text;
    },
  };
}

/** What stands before a line: `web`, `web passt`, `network default`. */
export function logLabel(origin: LogOrigin, stream: LogEntry['stream']): string {
  if ('network' in origin) return `network ${origin.network}`;
  return stream === 'helper' ? `${origin.machine} ${origin.helper ?? 'helper'}` : origin.machine;
}

function prefix(paint: Paint, index: number, name: string): string {
  return paint(PREFIX_STYLES[index % PREFIX_STYLES.length] ?? 'cyan', `${name} | `);
}

/** One piece of output as a line of JSON. */
export function logJson(entry: LogEntry): string {
  const { origin, time, stream, text, partial } = entry;
  return JSON.stringify({
    time,
    ...('network' in origin ? { network: origin.network } : { machine: origin.machine }),
    stream,
    ...('helper' in origin && stream === 'helper' && { helper: origin.helper }),
    text,
    ...(partial && { partial }),
  });
}
