/** A restart that waits for its time. */
export class DueRestart {
  #timer: NodeJS.Timeout | undefined;

  /** Calls back at that time, ISO 8601, and no more for an earlier one. */
  at(time: string, restart: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(restart, Math.max(0, Date.parse(time) - Date.now()));
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}
