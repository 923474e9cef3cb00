import { openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FRAME, type TerminalSize } from '../session/api.ts';
import { ClientFrames } from './client-frames.ts';
import type { ConsoleEnds } from './console-ends.ts';
import { terminalId } from './console-ports.ts';
import type { ControlLines } from './control-lines.ts';
import { MarkFilter } from './mark-filter.ts';
import { SessionInput, type InputTarget } from './session-input.ts';
import { TerminalEnd } from './terminal-end.ts';

/** A client that has so much to read is not waited for: the command's output is the log's, too. */
const MOST_LAG_BYTES = 4 * 1024 * 1024;
/** So long the end of the guest waits for clients that have not read everything. */
const LAST_OUTPUT_MS = 2000;

/** Input and terminal of the machine's own command, and the clients that are attached to it. */
export class WorkloadIo {
  readonly #control: ControlLines;
  readonly #stdout: number;
  readonly #end: MarkFilter;
  readonly #endMark: string;
  readonly #clients = new Set<{ readonly socket: Socket; readonly frames: ClientFrames }>();
  readonly #terminal: TerminalEnd | undefined;
  readonly #target: InputTarget | undefined;

  constructor(ends: ConsoleEnds, control: ControlLines, stdoutFile: string) {
    this.#control = control;
    this.#stdout = openSync(stdoutFile, 'a', 0o600);
    this.#endMark = ends.ttyMark;
    this.#end = new MarkFilter(ends.ttyMark);
    if (ends.tty !== undefined) {
      this.#terminal = new TerminalEnd(0, ends.tty);
      this.#terminal.use((chunk) => this.#onOutput(chunk));
      this.#target = this.#terminal;
    } else if (ends.stdin !== undefined) {
      const socket = new Socket({ fd: ends.stdin, readable: false, writable: true });
      socket.on('error', () => undefined);
      this.#target = { write: (bytes, done) => void socket.write(bytes, () => done()) };
    }
  }

  get isOpen(): boolean {
    return this.#target !== undefined;
  }

  attach(socket: Socket, size: TerminalSize | undefined): void {
    if (!this.#target) return;
    const frames = new ClientFrames(socket);
    const client = { socket, frames };
    const mode = this.#terminal ? 'terminal' : 'input';
    const input = new SessionInput(mode, this.#target, (bytes) => frames.taken(bytes));
    input.open();
    this.#clients.add(client);
    if (size) this.#resize(size);
    frames.serve({
      input: (bytes) => input.push(bytes),
      // The command goes on with the next client.
      inputEnd: () => undefined,
      signal: (name) => this.#control.send('signal', name),
      resize: (wanted) => this.#resize(wanted),
      detach: () => undefined,
      resume: () => undefined,
      gone: () => this.#clients.delete(client),
    });
    frames.started();
  }

  lose(error: string): void {
    for (const { frames } of this.#clients) frames.end({ exitCode: null, error });
  }

  #resize({ rows, columns }: TerminalSize): void {
    if (this.#terminal) this.#control.send('size', terminalId('tty'), rows, columns);
  }

  /** In the file before anything else: libkrun ends this process without a word. */
  #onOutput(chunk: Buffer): void {
    const { data, isEnd } = this.#end.push(chunk);
    for (let rest = data; rest.length > 0;) {
      try {
        rest = rest.subarray(writeSync(this.#stdout, rest));
      } catch (error) {
        // A full disk shall not stop the command.
        process.stderr.write(`krun: output of the terminal is lost: ${(error as Error).message}\n`);
        break;
      }
    }
    for (const { socket, frames } of this.#clients) {
      if (data.length > 0) frames.output(FRAME.stdout, data);
      if (socket.writableLength > MOST_LAG_BYTES) socket.destroy();
    }
    if (isEnd) void this.#answerEnd();
  }

  /** The guest waits for that before it switches itself off, and this process ends with it. */
  async #answerEnd(): Promise<void> {
    const sent = Promise.all([...this.#clients].map(({ frames }) => frames.sent()));
    await Promise.race([sent, delay(LAST_OUTPUT_MS)]);
    this.#terminal?.write(Buffer.from(`\n${this.#endMark}\n`));
  }
}
