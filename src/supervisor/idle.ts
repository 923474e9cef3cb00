/** Without work and without clients, this long. */
const IDLE_MS = 1000;

export interface IdleOptions {
  readonly isBusy: () => boolean;
  /** Resolves when everything has been written. */
  readonly leave: () => Promise<void>;
  /** Nothing was left to do for some time. */
  readonly end: () => void;
}

/** Ends a supervisor that has nothing left to look after. */
export class Idle {
  readonly #options: IdleOptions;
  #clients = 0;
  /** Counts what happens, so that nothing that came in between is overlooked. */
  #happened = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: IdleOptions) {
    this.#options = options;
  }

  /** How many wait for something just now. */
  get clients(): number {
    return this.#clients;
  }

  /** A client came or went. */
  count(change: 1 | -1): void {
    this.#clients += change;
    this.check();
  }

  /** Something happened after which there may be nothing left to do. */
  check(): void {
    const { isBusy, leave, end } = this.#options;
    this.#happened += 1;
    clearTimeout(this.#timer);
    if (this.#clients > 0 || isBusy()) return;
    this.#timer = setTimeout(() => {
      const before = this.#happened;
      void leave().then(() => {
        if (this.#happened === before && this.#clients === 0 && !isBusy()) end();
      });
    }, IDLE_MS);
  }
}
