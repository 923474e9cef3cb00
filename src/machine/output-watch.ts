/** So long a silence means that a process which the command left behind keeps its output open. */
const QUIET_MS = 300;
/** Most of what was on its way when the command ended has come by then: what still comes may be such a process's. */
const MOST_LATE_MS = 1000;
/** Who has not ended a session after so many calls, which is a minute, does not answer any more. */
const MOST_CALLS = 15;
/** The time between two calls is doubled so many times: a guest under load is not helped by more of them. */
const MOST_DOUBLINGS = 4;

/**
 * Looks after the output of a command that has ended, and calls back when it does not come to its end. The time in
 * which a slow client holds it back does not count. That it is the guest which is slow cannot be seen here: the agent
 * looks before it ends anything.
 */
export class OutputWatch {
  readonly #isOverdue: () => void;
  readonly #isHopeless: () => void;
  #isRunning = false;
  #isPaused = false;
  #timer: NodeJS.Timeout | undefined;
  #calls = 0;
  #lateMs = 0;
  #sinceMs = 0;

  constructor(isOverdue: () => void, isHopeless: () => void) {
    this.#isOverdue = isOverdue;
    this.#isHopeless = isHopeless;
  }

  start(): void {
    this.#isRunning = true;
    this.#calls = 0;
    this.#lateMs = 0;
    this.#sinceMs = performance.now();
    this.heard();
  }

  /** Output has come. */
  heard(): void {
    clearTimeout(this.#timer);
    if (!this.#isRunning || this.#isPaused) return;
    const factor = 2 ** Math.min(this.#calls, MOST_DOUBLINGS);
    const leftMs = MOST_LATE_MS * factor - this.#lateMs - (performance.now() - this.#sinceMs);
    this.#timer = setTimeout(() => this.#call(), Math.max(0, Math.min(QUIET_MS * factor, leftMs)));
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#lateMs += performance.now() - this.#sinceMs;
    clearTimeout(this.#timer);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#sinceMs = performance.now();
    this.heard();
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  #call(): void {
    this.#calls += 1;
    if (this.#calls > MOST_CALLS) {
      this.stop();
      this.#isHopeless();
      return;
    }
    this.#isOverdue();
    this.#lateMs = 0;
    this.#sinceMs = performance.now();
    this.heard();
  }
}
