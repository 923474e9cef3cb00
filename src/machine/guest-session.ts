import { randomBytes } from 'node:crypto';
import { FRAME, type SessionEnd, type SessionRequest, type TerminalSize } from '../session/api.ts';
import { terminalId, type BootstrapGuest } from './console-ports.ts';
import type { ControlLines } from './control-lines.ts';
import type { GuestEvent, GuestEvents } from './guest-events.ts';
import { MarkFilter, MarkSearch } from './mark-filter.ts';
import { OutputWatch } from './output-watch.ts';
import { SessionInput } from './session-input.ts';
import { sessionHeader, sessionScript } from './session-script.ts';
import type { SessionSlot, SlotUser } from './session-slot.ts';
import type { TerminalEnd } from './terminal-end.ts';

/** Who a session is for. */
export interface SessionPeer {
  started(): void;
  /** False when it wants no more until it calls `resume`. */
  output(kind: typeof FRAME.stdout | typeof FRAME.stderr, bytes: Buffer): boolean;
  /** So many bytes of input are on their way to the command. */
  taken(bytes: number): void;
  end(end: SessionEnd): void;
}

/** What a session runs on. */
export interface SessionPlace {
  readonly guest: BootstrapGuest;
  readonly slot: SessionSlot;
  readonly terminal?: TerminalEnd;
  readonly events: GuestEvents;
  readonly control: ControlLines;
  readonly serial: number;
}

/** Between the hangup and the end by force of a command whose client has gone. */
const HANGUP_MS = 2000;

type Stream = 'stdout' | 'stderr' | 'terminal';

/** One command in the guest, from its start to the point where its slot can serve another. */
export class GuestSession implements SlotUser {
  /** Called when slot and terminal are free again. */
  onOver: () => void = () => undefined;
  readonly #place: SessionPlace;
  readonly #peer: SessionPeer;
  readonly #mark = `krun${randomBytes(12).toString('hex')}`;
  readonly #filters: Partial<Record<Stream, MarkFilter>>;
  readonly #terminalStart: MarkSearch;
  readonly #input: SessionInput;
  readonly #watch: OutputWatch;
  readonly #signals: string[] = [];
  #size: TerminalSize | undefined;
  #sentSize: TerminalSize | undefined;
  #isAbandoned = false;
  #isStarted = false;
  /** The agent has found the terminal, and will end its output. */
  #hasTerminal = false;
  #isTerminalOpen = false;
  #error: string | undefined;
  #exitCode: number | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  /** The peer has been told the end. */
  #isEnded = false;
  #isOver = false;

  constructor(place: SessionPlace, request: SessionRequest, peer: SessionPeer) {
    const { guest, slot, terminal, events, serial } = place;
    this.#place = place;
    this.#peer = peer;
    this.#filters = {
      stdout: new MarkFilter(this.#mark),
      stderr: new MarkFilter(this.#mark),
      ...(terminal ? { terminal: new MarkFilter(this.#mark) } : {}),
    };
    this.#terminalStart = new MarkSearch(this.#mark);
    this.#watch = new OutputWatch(
      () => this.#send('cats'),
      // The slot stays taken until the marks come after all.
      () => this.#end({ exitCode: this.#exitCode ?? null, error: 'the agent in the guest does not answer' }),
    );
    this.#size = request.terminal;
    this.#sentSize = request.terminal;
    const mode = terminal ? 'terminal' : request.stdin ? 'input' : 'none';
    this.#input = new SessionInput(mode, terminal ?? slot, (bytes) => peer.taken(bytes));
    events.listen(serial, (event) => this.#onEvent(event));
    slot.use(this);
    terminal?.use((chunk) => this.#onTerminal(chunk));
    const { rows = 24, columns = 80 } = request.terminal ?? {};
    const words = terminal ? `terminal ${terminalId(`t${terminal.index}`)} ${rows} ${columns}` : mode;
    slot.write(sessionHeader(sessionScript(guest, request), { serial, mark: this.#mark, mode: words }));
  }

  input(bytes: Buffer): void {
    this.#input.push(bytes);
  }

  inputEnd(): void {
    this.#input.end();
  }

  signal(name: string): void {
    if (!this.#isStarted) this.#signals.push(name);
    else if (this.#exitCode === undefined) this.#send('kill', name);
  }

  resize(size: TerminalSize): void {
    const { terminal, control } = this.#place;
    this.#size = size;
    if (!terminal || !this.#isTerminalOpen) return;
    this.#sentSize = size;
    control.send('size', terminalId(`t${terminal.index}`), size.rows, size.columns);
  }

  resume(): void {
    this.#place.slot.resume();
    this.#place.terminal?.resume();
    this.#watch.resume();
  }

  /** Nobody wants its output any more, and it need not end. */
  detach(): void {
    this.#isAbandoned = true;
    this.inputEnd();
    this.resume();
  }

  /** Ends it: nobody wants it any more. */
  abandon(): void {
    this.detach();
    if (this.#exitCode !== undefined) return;
    this.signal('HUP');
    // Not before it is started: a signal of then waits in line.
    this.#killTimer = setTimeout(() => {
      this.signal('KILL');
      this.#watch.start();
    }, HANGUP_MS);
  }

  /** The guest has ended. */
  lose(error: string): void {
    this.#end({ exitCode: this.#exitCode ?? null, error });
    this.#leave();
  }

  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#take(stream, chunk);
  }

  #onTerminal(chunk: Buffer): void {
    if (this.#isTerminalOpen) return this.#take('terminal', chunk);
    const rest = this.#terminalStart.push(chunk);
    if (!rest) return;
    this.#isTerminalOpen = true;
    this.#input.open();
    if (this.#size && this.#size !== this.#sentSize) this.resize(this.#size);
    if (rest.length > 0) this.#take('terminal', rest);
  }

  #take(stream: Stream, chunk: Buffer): void {
    const filter = this.#filters[stream];
    // After the end of this session, there is nothing until the next one begins.
    if (!filter) return;
    const { data, isEnd } = filter.push(chunk);
    if (data.length > 0 && !this.#isAbandoned) {
      if (!this.#peer.output(stream === 'stderr' ? FRAME.stderr : FRAME.stdout, data)) this.#pause();
    }
    if (isEnd) delete this.#filters[stream];
    this.#watch.heard();
    this.#finishWhenComplete();
  }

  #pause(): void {
    this.#place.slot.pause();
    this.#place.terminal?.pause();
    this.#watch.pause();
  }

  #onEvent({ kind, text }: GuestEvent): void {
    switch (kind) {
      case 'terminal':
        this.#hasTerminal = true;
        this.#place.terminal?.write(Buffer.from(`\n${this.#mark}\n`));
        return;
      case 'started':
        if (this.#isStarted) return;
        this.#isStarted = true;
        if (!this.#place.terminal) this.#input.open();
        this.#peer.started();
        for (const name of this.#signals.splice(0)) this.#send('kill', name);
        return;
      case 'error':
        this.#error ??= text;
        return;
      case 'exit':
        this.#onExit(Number(text));
    }
  }

  #onExit(code: number): void {
    if (this.#exitCode !== undefined || !(code <= 255)) return;
    this.#exitCode = code;
    if (!this.#hasTerminal) delete this.#filters.terminal;
    this.#input.close();
    clearTimeout(this.#killTimer);
    this.#watch.start();
    this.#finishWhenComplete();
  }

  #send(verb: string, ...words: readonly string[]): void {
    const { control, slot, serial } = this.#place;
    control.send(verb, slot.index, serial, ...words);
  }

  #finishWhenComplete(): void {
    if (this.#exitCode === undefined || Object.keys(this.#filters).length > 0) return;
    const error = this.#error;
    this.#end({ exitCode: this.#exitCode, ...(error === undefined ? {} : { error }) });
    this.#leave();
  }

  #end(end: SessionEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#isAbandoned = true;
    this.#peer.end(end);
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#killTimer);
    this.#watch.stop();
    const { slot, terminal, events, serial } = this.#place;
    events.forget(serial);
    slot.release();
    terminal?.release();
    this.onOver();
  }
}
