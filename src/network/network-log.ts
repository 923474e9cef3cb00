import { ProcessLog } from '../store/process-log.ts';

/** The log of this run, for as long as the run has a right to it. */
export class NetworkLog {
  #file: ProcessLog | undefined;

  constructor(file: string, run: number) {
    this.#file = new ProcessLog(file, run);
  }

  /** A message of the network process itself; one line. */
  say(text: string): void {
    this.#file?.say(text);
  }

  /** Output of the helper, in whatever pieces it comes. */
  helper(bytes: Uint8Array): void {
    this.#file?.helper(bytes);
  }

  /** Takes in the last line of a helper that ended without a newline. */
  helperEnded(): void {
    this.#file?.helperEnded();
  }

  /**
   * Writes nothing from now on: the log is the next run's, which is its only writer, or somebody is deleting the
   * directory, which a new file would stop.
   */
  giveUp(): void {
    this.#file = undefined;
  }
}
