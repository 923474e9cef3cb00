import type { Layout } from '../store/layout.ts';
import type { MachineRecord } from '../store/records.ts';
import type { ShareNotifier } from '../watch/share-notifier.ts';

/** Has guests hear of changes on shares; what it takes is loaded once a machine wants that. */
export class NoticeOfShares {
  readonly #layout: Layout;
  readonly #warn: (message: string) => void;
  #notifier: Promise<ShareNotifier> | undefined;
  #records: readonly MachineRecord[] = [];

  constructor(layout: Layout, warn: (message: string) => void) {
    this.#layout = layout;
    this.#warn = warn;
  }

  /** Begins and ends watching as the machines are now. */
  update(records: readonly MachineRecord[]): void {
    this.#records = records;
    const isWanted = records.some(({ definition }) => definition.shares.some(({ notify }) => notify));
    if (!isWanted && !this.#notifier) return;
    this.#notifier ??= this.#load();
    void this.#notifier.then((notifier) => notifier.update(this.#records));
  }

  async #load(): Promise<ShareNotifier> {
    const { ShareNotifier } = await import('../watch/share-notifier.ts');
    return new ShareNotifier(this.#layout, this.#warn);
  }
}
