import type { Context } from '../context.ts';
import { tellDiagnostics } from '../project.ts';
import type { WatchWishes } from '../watch-project.ts';

/** Watching beside an attached `up`: on and off as the user likes. */
export class AttachedWatch {
  readonly #context: Context;
  readonly #wishes: WatchWishes;
  #watch: { close(): Promise<void> } | undefined;

  constructor(context: Context, wishes: WatchWishes) {
    this.#context = context;
    this.#wishes = wishes;
  }

  get isOn(): boolean {
    return this.#watch !== undefined;
  }

  /** Begins, or resolves when it has ended. */
  async toggle(): Promise<void> {
    if (this.#watch) return this.close();
    // Loaded here, because few `up` watch anything.
    const { createProjectWatch } = await import('../watch-project.ts');
    const watch = createProjectWatch(this.#context, this.#wishes);
    this.#watch = watch;
    void watch.run().then(async (ended) => {
      if (!ended.ok) await tellDiagnostics(this.#context, [ended.error]);
    });
  }

  async close(): Promise<void> {
    const watch = this.#watch;
    this.#watch = undefined;
    await watch?.close();
  }
}
