import type { Layout } from '../../store/layout.ts';
import type { AttachedOutput } from '../attached-output.ts';
import type { Context } from '../context.ts';
import { performForWatch } from '../watch-requests.ts';
import type { AttachedWatch } from './attached-watch.ts';
import { type EndWishes, hasEndWishes } from './end-rule.ts';
import type { Keyboard } from './keyboard.ts';
import { MENU_HELP, type MenuCommand } from './menu.ts';

export interface AttachedMenuParts {
  readonly layout: Layout;
  readonly output: AttachedOutput;
  readonly wishes: EndWishes;
  readonly watch: AttachedWatch;
  readonly keyboard: Keyboard | undefined;
}

/** What only the attached `up` itself can do. */
export interface AttachedSession {
  interrupt(): void;
  detach(): void;
  fail(error: unknown): void;
  /** Something ended that kept it from ending. */
  changed(): void;
}

/** Does what the keys of an attached `up` say. */
export class AttachedMenu {
  readonly #context: Context;
  readonly #parts: AttachedMenuParts;
  readonly #session: AttachedSession;
  /** Machines that are being started again, whose end is none. */
  readonly #restarting = new Set<string>();

  constructor(context: Context, parts: AttachedMenuParts, session: AttachedSession) {
    this.#context = context;
    this.#parts = parts;
    this.#session = session;
  }

  listen(): void {
    const { keyboard, output, watch } = this.#parts;
    keyboard?.listen(
      () => ({ machines: output.machines, shown: output.shown, isWatching: watch.isOn }),
      (command) => this.#do(command),
    );
  }

  /** Whether the end of a machine is not the last that there is of it. */
  isRestarting(machine: string): boolean {
    return this.#restarting.has(machine);
  }

  /** Whether machines may be started again although all have ended. */
  get mayRestart(): boolean {
    return this.#parts.watch.isOn || this.#restarting.size > 0;
  }

  toggleWatch(): void {
    const { output, wishes, watch, keyboard } = this.#parts;
    if (hasEndWishes(wishes)) {
      output.tell('krun: watching does not go with --abort-on-exit and its like: a restart is an end, too');
      return;
    }
    if (watch.isOn) output.tell('watching no more');
    const after = (): void => {
      keyboard?.refresh();
      this.#session.changed();
    };
    watch.toggle().then(after, (error: unknown) => this.#session.fail(error));
  }

  #do(command: MenuCommand): void {
    const { output } = this.#parts;
    switch (command.type) {
      case 'interrupt':
        return this.#session.interrupt();
      case 'detach':
        output.tell('detached: the machines run on (krun logs -f follows them, krun down ends them)');
        return this.#session.detach();
      case 'watch':
        return this.toggleWatch();
      case 'restart':
        return this.#restart(command.machines);
      case 'logs':
        return output.show(command.machines);
      case 'help':
        return output.tell(MENU_HELP.join('\n'));
      case 'line':
        return output.tell('');
      case 'suspend':
      case 'quit':
    }
  }

  #restart(machines: readonly string[]): void {
    const { layout, output } = this.#parts;
    for (const machine of machines) this.#restarting.add(machine);
    const work = performForWatch(this.#context, layout, { type: 'restart', machines }, (event) => {
      if (event.type !== 'state') output.progress(event);
    });
    const after = (): void => {
      for (const machine of machines) this.#restarting.delete(machine);
      this.#session.changed();
    };
    work.then(after, (error: unknown) => this.#session.fail(error));
  }
}
