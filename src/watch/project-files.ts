import { realpathSync } from 'node:fs';
import { ignoreErrno } from '../host/errno.ts';
import { type FileEvents, watchFiles } from './file-events.ts';
import { dueAt, gather, type Gathering } from './gathering.ts';

export interface ProjectFilesOptions {
  /** Called after a quiet period, never while an earlier call goes on. */
  readonly onEdit: () => Promise<void>;
  readonly onTrouble: (message: string, hint?: string) => void;
}

/** The files that a project is read from, each by itself; also those that are not there. */
export class ProjectFiles {
  readonly #options: ProjectFilesOptions;
  readonly #watched = new Map<string, FileEvents>();
  #gathering: Gathering | undefined;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: ProjectFilesOptions) {
    this.#options = options;
  }

  /** Watches these files and no others; resolves when they are watched. */
  async watchOnly(files: Iterable<string>): Promise<void> {
    const wanted = new Set([...files].flatMap((file) => [file, targetOf(file)]));
    for (const [file, events] of this.#watched) {
      if (wanted.has(file)) continue;
      this.#watched.delete(file);
      await events.close();
    }
    for (const file of wanted) {
      if (this.#watched.has(file) || this.#isClosed) continue;
      const events = watchFiles(file, {
        ignores: () => false,
        isShallow: true,
        // For what came between reading it and watching it.
        onReady: () => this.#doubt(),
        // Events of the directory around it are about other files.
        onDoubt: (doubt) => {
          if (doubt === file) this.#doubt();
        },
        onTrouble: this.#options.onTrouble,
      });
      this.#watched.set(file, events);
    }
    await Promise.all([...this.#watched.values()].map((events) => events.ready));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await Promise.all([...this.#watched.values()].map((events) => events.close()));
  }

  #doubt(): void {
    this.#gathering = gather(this.#gathering, Date.now());
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#work || this.#isClosed || !this.#gathering) return;
    this.#timer = setTimeout(
      () => {
        this.#gathering = undefined;
        this.#work = this.#options.onEdit().finally(() => {
          this.#work = undefined;
          this.#schedule();
        });
      },
      Math.max(0, dueAt(this.#gathering) - Date.now()),
    );
  }
}

/** Where a link leads: an edit of the file behind it is one of the project, too. */
function targetOf(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    ignoreErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP');
    return file;
  }
}
