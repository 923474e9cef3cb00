import { errnoOf } from '../host/errno.ts';
import type { SessionRefusal } from '../session/client.ts';
import { runSession } from '../session/run-session.ts';
import { type FileEvents, watchFiles } from './file-events.ts';
import { dueAt, gather, type Gathering, type Patience } from './gathering.ts';
import { HostTree, TICK_MS } from './host-tree.ts';
import { Matcher } from './matcher.ts';
import { type Touch, touchesOf, touchScript } from './touch-script.ts';

/** Longer than a tick of the file system's clock, or the guest's own touch would look like a change. */
const PATIENCE: Patience = { quietMs: 2 * TICK_MS, longestMs: 500 };

/** A guest that takes longer has other worries. */
const TOUCH_TIMEOUT_MS = 30_000;

export interface ShareWatchOptions {
  /** Host directory, without symbolic links. */
  readonly source: string;
  /** Where the guest has it. */
  readonly target: string;
  readonly controlSocket: string;
  readonly warn: (message: string) => void;
}

/** Tells the watchers in one guest what changes on the host below one share. */
export class ShareWatch {
  /** Resolves when everything is watched. */
  readonly ready: Promise<void>;
  readonly #options: ShareWatchOptions;
  readonly #events: FileEvents;
  readonly #tree: HostTree;
  readonly #doubts = new Set<string>();
  /** Any of the files may have changed without an event. */
  #isAllInDoubt = false;
  readonly #closing = new AbortController();
  #gathering: Gathering | undefined;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> | undefined;

  constructor(options: ShareWatchOptions) {
    this.#options = options;
    const { source, warn } = options;
    const matcher = new Matcher({ path: source, ignore: [], include: [], gitignore: false });
    this.#events = watchFiles(source, {
      ignores: (file, isDirectory) => matcher.ignores(file, isDirectory),
      onReady: () => this.#doubtAll(),
      onDoubt: (file) => this.#doubt(file),
      onTrouble: warn,
    });
    this.#tree = new HostTree(source, matcher);
    this.ready = this.#events.ready;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#events.close();
    await this.#work;
  }

  #doubt(file: string): void {
    this.#doubts.add(file);
    this.#look();
  }

  /** For what came between reading the tree and watching it. */
  #doubtAll(): void {
    this.#isAllInDoubt = true;
    this.#look();
  }

  #look(): void {
    this.#gathering = gather(this.#gathering, Date.now());
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#work || !this.#gathering || this.#closing.signal.aborted) return;
    this.#timer = setTimeout(
      () => {
        this.#gathering = undefined;
        this.#work = this.#tell()
          .catch((error: unknown) => this.#fail(error))
          .finally(() => {
            this.#work = undefined;
            this.#schedule();
          });
      },
      Math.max(0, dueAt(this.#gathering, PATIENCE) - Date.now()),
    );
  }

  /** What the system refuses, such as one more open file, must not end the supervisor. */
  #fail(error: unknown): void {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    this.#isAllInDoubt = true;
    this.#options.warn(`changes of ${this.#options.source} were not told to the guest: ${code}`);
  }

  /** The guest's touch is an event here, too; it changes nothing that is looked at. */
  async #tell(): Promise<void> {
    const changes = this.#isAllInDoubt ? this.#tree.refreshAll() : this.#tree.refresh(this.#doubts);
    this.#doubts.clear();
    this.#isAllInDoubt = false;
    if (this.#tree.takeNewDirectories()) this.#events.renew();
    const touches = touchesOf(changes, this.#tree.looks, this.#options);
    if (touches.length > 0) await this.#touch(touches);
  }

  async #touch(touches: readonly Touch[]): Promise<void> {
    const { controlSocket, source, warn } = this.#options;
    const { signal } = this.#closing;
    const ran = await runSession(
      controlSocket,
      { command: ['/bin/sh'], environment: { LC_ALL: 'C' }, workingDir: '/', user: '0:0' },
      { input: touchScript(touches), timeoutMs: TOUCH_TIMEOUT_MS, signal },
    ).catch((error: unknown) => {
      // The machine ended, or its watch.
      if (signal.aborted) return undefined;
      throw error;
    });
    if (!ran || signal.aborted) return;
    const why = ran.ok ? ran.value.error : reasonOf(ran.error);
    if (why !== undefined) warn(`changes of ${source} were not told to the guest: ${why}`);
  }
}

/** Nobody has to be told that a machine which has ended hears nothing. */
function reasonOf({ kind, message }: SessionRefusal): string | undefined {
  return kind === 'not-running' || kind === 'not-ready' ? undefined : message;
}
