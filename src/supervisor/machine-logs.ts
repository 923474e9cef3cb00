import { punchHole } from '../host/punch-hole.ts';
import type { LogSettings } from '../project/project.ts';
import { ConsoleFile } from '../store/console-file.ts';
import type { MachineLayout } from '../store/layout.ts';
import { LogIngest } from '../store/log-ingest.ts';

/** The log of a machine over all of its runs. */
export class MachineLogs {
  readonly ingest: LogIngest;
  readonly #console: ConsoleFile;
  readonly #warn: (message: string) => void;

  constructor(files: MachineLayout, settings: LogSettings, warn: (message: string) => void) {
    this.#console = new ConsoleFile(settings.consoleFile, warn);
    this.ingest = new LogIngest(files, settings, {
      punchHole,
      copy: (lines) => this.#console.append(lines),
    });
    this.#warn = warn;
  }

  /** Sets the sizes for the next rotation, and the file for the next lines. */
  configure(settings: LogSettings): void {
    this.ingest.configure(settings);
    this.#console.configure(settings.consoleFile);
  }

  /** Takes in what is left of all runs but the living one; false where that failed and has to be tried again. */
  takeIn(livingRun: number | undefined): boolean {
    try {
      for (const run of this.#ended(livingRun)) if (run >= this.ingest.lastRun) this.ingest.finish(run);
      return true;
    } catch (error) {
      this.#warn(`cannot write the log: ${String(error)}`);
      return false;
    }
  }

  /** Takes in what is left, and deletes the raw files. Only after the record says how the runs ended. */
  takeInAndDiscard(livingRun: number | undefined): void {
    if (!this.takeIn(livingRun)) return;
    for (const run of this.#ended(livingRun)) this.ingest.discard(run);
  }

  #ended(livingRun: number | undefined): readonly number[] {
    return this.ingest.leftRuns().filter((run) => run !== livingRun);
  }
}
