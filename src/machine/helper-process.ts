import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { writeIdentity } from '../host/claim-run.ts';
import { errnoOf, ignoreErrno } from '../host/errno.ts';
import { libc } from '../host/libc.ts';
import { helperFile } from '../store/layout.ts';
import { StartFailure } from './failure.ts';
import type { LinkName } from './link-name.ts';
import type { MachineSpec } from './spec.ts';
import type { HelperEnd, HelperProgram } from './status-file.ts';

/** The descriptor under which a helper finds its end of the link. */
export const HELPER_FD = 3;

const TAIL_BYTES = 4096;

export interface HelperStart {
  readonly name: HelperProgram;
  readonly device: LinkName;
  /** The program, or sudo in front of it, with all arguments. */
  readonly command: readonly [program: string, ...args: readonly string[]];
  /** The helper's end of the link; closed here as soon as it has it. */
  readonly link: number;
  /** Whether the helper announces something on its standard output. */
  readonly announces: boolean;
}

/** A program that carries the frames of one interface, started by the machine process. */
export class HelperProcess {
  /** What it announces; undefined where it announces nothing. */
  readonly announcements: Readable | undefined;
  /** Resolves at its end. */
  readonly ended: Promise<HelperEnd>;
  readonly #child: ChildProcess;
  readonly #outputFile: string;
  readonly #outputStart: number;

  private constructor(
    child: ChildProcess,
    ended: Promise<HelperEnd>,
    output: { readonly file: string; readonly start: number },
  ) {
    this.#child = child;
    this.ended = ended;
    this.announcements = child.stdout ?? undefined;
    this.#outputFile = output.file;
    this.#outputStart = output.start;
  }

  /** Throws {@link StartFailure} where the program cannot be started. */
  static async start(spec: MachineSpec, start: HelperStart): Promise<HelperProcess> {
    const [program, ...args] = start.command;
    const output = openSync(spec.files.helper, 'a', 0o600);
    const stdio: StdioOptions = ['ignore', start.announces ? 'pipe' : output, output, start.link];
    try {
      const outputStart = statSync(spec.files.helper).size;
      // A group of its own: it is ended as a whole, and no signal for the machine process is its end.
      const child = spawn(program, args, { cwd: '/', detached: true, stdio });
      const ended = once(child, 'exit').then(([code, signal]): HelperEnd => ({
        name: start.name,
        code,
        signal,
      }));
      // Told by 'spawn' below: no process, no exit.
      ended.catch(() => undefined);
      await once(child, 'spawn');
      // For the supervisor, which ends what the end of this process does not.
      const run = { directory: path.dirname(spec.identityFile) };
      if (child.pid !== undefined) writeIdentity(helperFile(run, start.device), child.pid, spec.run);
      return new HelperProcess(child, ended, { file: spec.files.helper, start: outputStart });
    } catch (error) {
      throw new StartFailure({
        code: 'environment',
        message: `${start.name} cannot be started: ${program}: ${errnoOf(error) ?? String(error)}`,
        hint: `install ${start.name}, or correct its path`,
      });
    } finally {
      closeSync(output);
      // As long as this process has it as well, neither of the two sees the other's end.
      libc().close(start.link);
    }
  }

  /** The end of what it wrote to its standard error. */
  said(): string {
    const text = readFileSync(this.#outputFile).subarray(this.#outputStart);
    return text.subarray(-TAIL_BYTES).toString('utf8');
  }

  signal(name: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, name);
    } catch (error) {
      // EPERM: what is left of the group is sudo's.
      ignoreErrno(error, 'ESRCH', 'EPERM');
    }
  }
}
