import {
  DefaultRenderer,
  Listr,
  type ListrTask,
  ListrLogger,
  type ListrTaskWrapper,
  ProcessOutput,
} from 'listr2';
import type { Event, ToldNode } from '../plan/event.ts';
import { actionWords } from '../view/actions.ts';
import type { ProgressSink } from './progress.ts';

type Task = ListrTaskWrapper<unknown, typeof StderrRenderer, typeof DefaultRenderer>;

/** listr2 asks whether stdout is a terminal; ours draws on stderr, and who calls it has looked. */
class StderrRenderer extends DefaultRenderer {
  static override nonTTY = true;
}

/** One row for each action, redrawn while the request runs. `fallback` gets what belongs to no row. */
export function createTtyProgress(stream: NodeJS.WriteStream, fallback: ProgressSink): ProgressSink {
  let rows: ReadonlyMap<number, Row> = new Map();
  let drawing: Promise<unknown> = Promise.resolve();
  return {
    event(event) {
      if (event.type === 'plan') {
        fallback.event(event);
        const width = Math.max(...event.nodes.map(({ action }) => actionWords(action).subject.length));
        rows = new Map(event.nodes.map((node) => [node.id, new Row(node, width)]));
        drawing = draw(stream, [...rows.values()]);
      } else if (!update(rows, event)) {
        fallback.event(event);
      }
    },
    async end() {
      // The supervisor is gone: a row without an end would be drawn for ever.
      for (const row of rows.values()) row.abandon();
      await drawing;
      for (const line of [...rows.values()].flatMap(({ details }) => details)) stream.write(`${line}\n`);
      await fallback.end();
    },
  };
}

function draw(stream: NodeJS.WriteStream, rows: readonly Row[]): Promise<unknown> {
  if (rows.length === 0) return Promise.resolve();
  const tasks: ListrTask<unknown, typeof StderrRenderer>[] = rows.map((row) => ({
    title: row.title,
    task: (_, task) => row.run(task as Task),
  }));
  const listr = new Listr<unknown, typeof StderrRenderer, typeof DefaultRenderer>(tasks, {
    concurrent: true,
    exitOnError: false,
    registerSignalListeners: false,
    collectErrors: false,
    renderer: StderrRenderer,
    rendererOptions: {
      logger: new ListrLogger({ processOutput: new ProcessOutput(stream, stream, { dump: ['stderr'] }) }),
      collapseErrors: true,
    },
  });
  return listr.run();
}

/** Whether the event belonged to a row. */
function update(rows: ReadonlyMap<number, Row>, event: Event): boolean {
  switch (event.type) {
    case 'action-started':
      rows.get(event.id)?.start();
      return true;
    case 'action-finished':
      rows.get(event.id)?.finish(event.note);
      return true;
    case 'action-failed':
      rows.get(event.id)?.fail(event);
      return true;
    case 'action-skipped':
      rows.get(event.id)?.skip(rows.get(event.because));
      return true;
    case 'build-output':
      for (const row of rows.values()) if (row.builds(event.machine)) row.output(event.line);
      return true;
    case 'plan':
    case 'done':
    case 'state':
      return false;
    case 'network':
      // The row of the machine that waits for it says enough.
      return true;
  }
}

class Row {
  readonly #node: ToldNode;
  /** Columns of the longest subject, so that what happens stands below each other. */
  readonly #width: number;
  readonly #ended: Promise<void>;
  #end: (failure?: Error) => void = () => undefined;
  /** Set once listr2 has begun with the row; events may come before that. */
  #task: Task | undefined;
  #title: string;
  #skipped: string | undefined;
  /** What is below a failure: a row has one line, so it comes after all rows. */
  details: readonly string[] = [];

  constructor(node: ToldNode, width: number) {
    this.#node = node;
    this.#width = width;
    this.#title = `${this.padded}  queued: ${node.cause}`;
    this.#ended = new Promise((resolve, reject) => {
      this.#end = (failure) => (failure === undefined ? resolve() : reject(failure));
    });
    // listr2 handles it as soon as it has begun with the row.
    this.#ended.catch(() => undefined);
  }

  get title(): string {
    return this.#title;
  }

  get subject(): string {
    return actionWords(this.#node.action).subject;
  }

  get padded(): string {
    return this.subject.padEnd(this.#width);
  }

  get noun(): string {
    return actionWords(this.#node.action).noun;
  }

  run(task: Task): Promise<void> {
    this.#task = task;
    task.title = this.#title;
    if (this.#skipped !== undefined) task.skip(this.#skipped);
    return this.#ended;
  }

  start(): void {
    this.#show(`${actionWords(this.#node.action).doing}: ${this.#node.cause}`);
  }

  output(line: string): void {
    if (this.#task) this.#task.output = line;
  }

  finish(note: string | undefined): void {
    const suffix = note === undefined ? '' : ` (note: ${note})`;
    this.#show(`${actionWords(this.#node.action).done}: ${this.#node.cause}${suffix}`);
    this.#end();
  }

  fail({ message, hint, details = [] }: Extract<Event, { type: 'action-failed' }>): void {
    const text = hint === undefined ? message : `${message} (hint: ${hint})`;
    if (details.length > 0) this.details = [`${this.subject}:`, ...details.map((detail) => `  ${detail}`)];
    this.#end(new Error(`${this.padded}  ${this.noun} failed: ${text}`));
  }

  skip(because: Row | undefined): void {
    const cause = because === undefined ? '' : `: ${because.noun} of ${because.subject} failed`;
    this.#skipped = `${this.padded}  ${this.noun} skipped${cause}`;
    this.#task?.skip(this.#skipped);
    this.#end();
  }

  abandon(): void {
    this.#end();
  }

  builds(machine: string): boolean {
    return this.#node.action.type === 'build' && this.#node.action.machine === machine;
  }

  #show(text: string): void {
    this.#title = `${this.padded}  ${text}`;
    if (this.#task) this.#task.title = this.#title;
  }
}
