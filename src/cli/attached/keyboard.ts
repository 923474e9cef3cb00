import type { ReadStream, WriteStream } from 'node:tty';
import type { Context } from '../context.ts';
import { type MenuCommand, type MenuLevel, menuLine, pressKey } from './menu.ts';
import { StatusLine } from './status-line.ts';

/** What the menu shows that changes. */
export interface MenuFacts {
  readonly machines: readonly string[];
  readonly shown: readonly string[];
  readonly isWatching: boolean;
}

/** The keys of an attached `up`, and the line that tells of them. */
export interface Keyboard {
  /** The context whose output leaves the line alone. */
  readonly context: Context;
  listen(facts: () => MenuFacts, onCommand: (command: MenuCommand) => void): void;
  /** Shows the line anew. */
  refresh(): void;
  /** Gives the terminal back. */
  close(): void;
}

/** Undefined where nobody sits at a terminal, or where nothing may be redrawn. */
export function openKeyboard(context: Context): Keyboard | undefined {
  const { stdin, stdout, stderr, global, env } = context;
  const isTerminal = stdin.isTTY === true && stdout.isTty && stderr.isTty && env['TERM'] !== 'dumb';
  const isDrawable = global.ansi !== 'never' && (global.progress === 'auto' || global.progress === 'tty');
  return isTerminal && isDrawable ? new TerminalKeyboard(context, stdin as ReadStream) : undefined;
}

class TerminalKeyboard implements Keyboard {
  readonly context: Context;
  readonly #keys: ReadStream;
  readonly #line: StatusLine;
  #unlisten: () => void = () => undefined;
  #facts: () => MenuFacts = () => ({ machines: [], shown: [], isWatching: false });
  #onCommand: (command: MenuCommand) => void = () => undefined;
  #level: MenuLevel = 'main';
  #isOpen = false;

  constructor(context: Context, keys: ReadStream) {
    const { stdout, stderr } = context;
    const screen = stderr.stream as WriteStream;
    this.#keys = keys;
    this.#line = new StatusLine(screen, () => screen.columns);
    this.context = {
      ...context,
      stdout: { ...stdout, stream: this.#line.wrap(stdout.stream) },
      stderr: { ...stderr, stream: this.#line.wrap(stderr.stream) },
    };
  }

  listen(facts: () => MenuFacts, onCommand: (command: MenuCommand) => void): void {
    this.#facts = facts;
    this.#onCommand = onCommand;
    this.#isOpen = true;
    this.#unlisten = this.context.interrupts.listen(
      (signal) => {
        // Whoever stopped krun has used the terminal meanwhile.
        if (signal === 'SIGCONT') this.#enter();
        else onCommand({ type: 'interrupt' });
      },
      ['SIGCONT'],
    );
    this.#keys.setEncoding('utf8').on('data', this.#read);
    this.#enter();
  }

  refresh(): void {
    if (this.#isOpen) this.#line.set(menuLine({ level: this.#level, ...this.#facts() }));
  }

  close(): void {
    this.#isOpen = false;
    this.#unlisten();
    this.#keys.off('data', this.#read);
    this.#leave();
    this.#keys.pause();
  }

  readonly #read = (chunk: Buffer | string): void => {
    const text = chunk.toString();
    // An arrow or a function key: none of ours, and so `Esc`.
    for (const key of text.startsWith('\u001b') ? ['\u001b'] : text) this.#press(key);
  };

  #press(key: string): void {
    const { level, command } = pressKey(this.#level, key, this.#facts().machines);
    this.#level = level;
    if (command?.type === 'suspend') this.#signalJob('SIGTSTP');
    else if (command?.type === 'quit') this.#signalJob('SIGQUIT');
    else if (command) this.#onCommand(command);
    this.refresh();
  }

  /** What the terminal does where keys are not read one by one: the whole job gets the signal. */
  #signalJob(signal: NodeJS.Signals): void {
    this.#leave();
    process.kill(0, signal);
  }

  #enter(): void {
    if (!this.#isOpen) return;
    this.#keys.setRawMode(true);
    this.refresh();
  }

  #leave(): void {
    this.#line.set(undefined);
    this.#keys.setRawMode(false);
  }
}
