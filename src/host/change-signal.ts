import { type PathWatch, watchPath } from './watch.ts';

/** File systems that report no changes (network mounts) are looked at at this pace. */
const LONGEST_WAIT_MS = 500;
/** Changes that come in a burst wake the reader once. */
const GATHER_MS = 15;

/** Wakes a reader when something changes in one of the watched directories. */
export class ChangeSignal {
  readonly #watches = new Map<string, PathWatch>();
  #changed = false;
  #wake: (() => void) | undefined;

  /** Watches these directories and no others; one that is not there yet is tried again at the next call. */
  watchOnly(directories: Iterable<string>): void {
    const wanted = new Set(directories);
    for (const [directory, watch] of this.#watches) {
      if (wanted.has(directory) && watch.active) continue;
      watch.close();
      this.#watches.delete(directory);
    }
    for (const directory of wanted) {
      if (this.#watches.has(directory)) continue;
      this.#watches.set(
        directory,
        watchPath(directory, () => this.notify()),
      );
    }
  }

  /** Wakes the reader now. */
  notify(): void {
    this.#changed = true;
    this.#wake?.();
  }

  /** Resolves soon after a change since the last call, when the signal is aborted, or at the reader's pace. */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#wake = undefined;
        this.#changed = false;
        resolve();
      };
      let timer = setTimeout(end, this.#changed ? GATHER_MS : LONGEST_WAIT_MS);
      signal.addEventListener('abort', end, { once: true });
      this.#wake = () => {
        this.#wake = undefined;
        clearTimeout(timer);
        timer = setTimeout(end, GATHER_MS);
      };
    });
  }

  close(): void {
    this.watchOnly([]);
  }
}
