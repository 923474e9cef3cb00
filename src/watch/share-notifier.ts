import { realpathSync } from 'node:fs';
import { errnoOf } from '../host/errno.ts';
import { type Layout, machineLayout } from '../store/layout.ts';
import type { MachineRecord } from '../store/records.ts';
import { ShareWatch } from './share-watch.ts';

/** Whether a machine has a share whose changes its guest is to hear of now. */
export function wantsNotice({ state, definition }: MachineRecord): boolean {
  return state.status === 'running' && definition.agent && definition.shares.some(({ notify }) => notify);
}

/** Watches the shares of running machines that want to hear of changes. */
export class ShareNotifier {
  readonly #layout: Layout;
  readonly #warn: (message: string) => void;
  /** By machine, run, source and target. */
  readonly #watches = new Map<string, ShareWatch>();

  constructor(layout: Layout, warn: (message: string) => void) {
    this.#layout = layout;
    this.#warn = warn;
  }

  /** Begins and ends watching as the machines are now. */
  update(records: readonly MachineRecord[]): void {
    const wanted = new Map(
      records
        .filter(wantsNotice)
        .flatMap(({ machine, run, definition }) =>
          definition.shares.flatMap(({ source, target, notify }) =>
            notify && target !== undefined
              ? [[JSON.stringify([machine, run, source, target]), { machine, source, target }] as const]
              : [],
          ),
        ),
    );
    for (const [key, watch] of this.#watches) {
      if (wanted.has(key)) continue;
      this.#watches.delete(key);
      void watch.close();
    }
    for (const [key, { machine, source, target }] of wanted) {
      if (!this.#watches.has(key)) this.#watch(key, { machine, source, target });
    }
  }

  close(): void {
    this.update([]);
  }

  #watch(
    key: string,
    share: { readonly machine: string; readonly source: string; readonly target: string },
  ): void {
    const { controlSocket } = machineLayout(this.#layout, share.machine);
    try {
      const source = realpathSync(share.source);
      const watch = new ShareWatch({ source, target: share.target, controlSocket, warn: this.#warn });
      this.#watches.set(key, watch);
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      this.#warn(`changes of ${share.source} cannot be watched: ${code}`);
    }
  }
}
