import { createPaint, type Paint, PREFIX_STYLES } from './style.ts';

/** One piece of a machine's output. */
export interface LogEntry {
  readonly machine: string;
  readonly time: string;
  readonly stream: 'stdout' | 'stderr' | 'console' | 'helper' | 'network';
  readonly text: string;
  /** The line goes on in the next entry of the same stream. */
  readonly partial: boolean;
}

export interface LogViewOptions {
  /** Machines known from the start; their order decides the colours. */
  readonly machines: readonly string[];
  readonly color: boolean;
  readonly prefix: boolean;
  readonly timestamps: boolean;
}

/** Turns output of several machines into text; keeps in mind whether the last line is still open. */
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
  const add = (machine: string): void => {
    if (order.includes(machine)) return;
    order.push(machine);
    width = Math.max(width, machine.length);
  };
  options.machines.forEach(add);
  let open: string | undefined;
  const prefixOf = (entry: LogEntry): string => {
    add(entry.machine);
    const name = options.prefix
      ? prefix(paint, order.indexOf(entry.machine), entry.machine.padEnd(width))
      : '';
    return options.timestamps ? `${name}${entry.time} ` : name;
  };
  return {
    entry(entry) {
      const key = `${entry.machine}/${entry.stream}`;
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

function prefix(paint: Paint, index: number, name: string): string {
  return paint(PREFIX_STYLES[index % PREFIX_STYLES.length] ?? 'cyan', `${name} | `);
}

/** One piece of output as a line of JSON. */
export function logJson(entry: LogEntry): string {
  const { machine, time, stream, text, partial } = entry;
  return JSON.stringify({ time, machine, stream, text, ...(partial && { partial }) });
}
