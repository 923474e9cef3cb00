import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { programPath } from './helpers.ts';
import type { Rig } from './rig.ts';

const run = promisify(execFile);

/** Path of tmux, with which tests play a person at a terminal; undefined where it is not installed. */
export const tmux: string | undefined = programPath('tmux');

/** A shell in a terminal of 80 columns and 24 rows, in the directory of a rig. */
export class TestTerminal implements AsyncDisposable {
  readonly #program: string;
  readonly #socket: string;
  readonly #rig: Rig;

  private constructor(rig: Rig, program: string) {
    this.#rig = rig;
    this.#program = program;
    this.#socket = path.join(rig.base, 'tmux');
  }

  static async open(rig: Rig): Promise<TestTerminal> {
    if (!tmux) throw new Error('tmux is not installed');
    const terminal = new TestTerminal(rig, tmux);
    const program = `'${process.execPath}' '${rig.program}'`;
    const start = await rig.write('../shrc', `PS1='host> '\nkrun() { ${program} "$@"; }\n`);
    const shell = `ENV='${start}' exec sh`;
    await terminal.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', shell);
    try {
      await terminal.shows(/host>$/);
      return terminal;
    } catch (error) {
      await terminal[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Types a line; `krun` is the rig's. */
  async line(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text);
    await this.keys('Enter');
  }

  /** Presses keys by their tmux names, such as `C-c`. */
  async keys(...names: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', ...names);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Everything on the screen, without the blanks at the end. */
  async screen(): Promise<string> {
    return (await this.#tmux('capture-pane', '-p')).trimEnd();
  }

  /** Resolves with the screen as soon as it matches. */
  async shows(pattern: RegExp): Promise<string> {
    let screen = '';
    await expect.poll(async () => (screen = await this.screen())).toMatch(pattern);
    return screen;
  }

  /** Empties the screen, at a shell's prompt. */
  async clear(): Promise<void> {
    await this.#tmux('send-keys', '-R');
    await this.keys('Enter');
    await this.shows(/^\S+>$/m);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux('kill-server');
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(this.#program, ['-S', this.#socket, ...args], {
      cwd: this.#rig.directory,
      env: { ...this.#rig.env, TERM: 'xterm' },
    });
    return stdout;
  }
}
