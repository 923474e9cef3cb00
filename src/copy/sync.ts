import { randomBytes } from 'node:crypto';
import { type Diagnostic, errorDiagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { CopyCount, CopyObserver, SyncReport, SyncRequest } from './api.ts';
import { bytesOf, pathOf } from './bytes.ts';
import { startScript } from './guest-side.ts';
import { parsePath } from './location.ts';
import { type Packed, packText, packTar, type PackRoot, TAR_END } from './pack.ts';
import { send } from './send.ts';
import type { OpenSession } from './session.ts';
import { APPLY, applyScript, TAKE_SYNC, TREE } from './sync-script.ts';

/**
 * Gives a guest many changed files and takes deleted ones away, in one session. The files replace those that are there
 * by renaming, each in one step, and only after all of them have come: where it fails before, nothing has changed.
 * Modes, modification times (whole seconds), symbolic links and hard links are kept; owner is who writes.
 */
export async function syncFiles(
  open: OpenSession,
  request: SyncRequest,
  observer: CopyObserver = {},
): Promise<Result<SyncReport, Diagnostic>> {
  const entries = request.files.map(({ from, to }) => ({ from: bytesOf(from), to: cleanName(to) }));
  const deleted = request.deleted.map(cleanName).filter((name) => name !== '');
  if (entries.length + deleted.length === 0) return ok({ files: 0, bytes: 0, deleted: 0, vanished: [] });
  const started = await startScript(open, {
    script: TAKE_SYNC,
    args: [pathOf(parsePath(request.target, '/').path).toString('utf8'), randomBytes(8).toString('hex')],
    ...(request.user !== undefined && { user: request.user }),
  });
  if (!started.ok) return started;
  const { session, reply, finish } = started.value;
  if (reply === 'ready') {
    const work = new Work({ entries, deleted, request, observer });
    await send(session, work.stream());
    const failure = await finish(observer.onNotice);
    return failure === undefined ? ok(work.report()) : err(failure);
  }
  session.stdin.end();
  const unknown = errorDiagnostic('io', `the guest cannot sync into ${request.target}`);
  return err((await finish()) ?? unknown);
}

interface SyncWork {
  readonly entries: readonly PackRoot[];
  readonly deleted: readonly string[];
  readonly request: SyncRequest;
  readonly observer: CopyObserver;
}

class Work {
  readonly #work: SyncWork;
  /** Names of files in each directory that there is something in; the parents come first. */
  readonly #directories = new Map<string, Set<string>>([['', new Set()]]);
  readonly #vanished: string[] = [];
  #count: CopyCount = { files: 0, bytes: 0 };

  constructor(work: SyncWork) {
    this.#work = work;
  }

  /** The files, and behind them what to do with them: only then is known what there was. */
  *stream(): Generator<Buffer> {
    const { entries, deleted, request, observer } = this.#work;
    const roots = entries.map(({ from, to }) => ({ from, to: to === '' ? TREE : `${TREE}/${to}` }));
    yield* packTar(roots, {
      keepsOwners: false,
      isOpenEnded: true,
      ...(request.ignores && { ignores: request.ignores }),
      onMissing: ({ to }) => void this.#vanished.push(pathOf(belowTree(to)).toString('utf8')),
      onPacked: (packed) => this.#note(packed),
      ...(observer.onNotice && { onNotice: observer.onNotice }),
      onProgress: (count) => {
        this.#count = count;
        observer.onProgress?.(count);
      },
    });
    const directories = [...this.#directories].map(([path, names]) => ({ path, names: [...names] }));
    yield packText(APPLY, applyScript({ deleted, directories }));
    yield TAR_END;
  }

  report(): SyncReport {
    return { ...this.#count, deleted: this.#work.deleted.length, vanished: this.#vanished };
  }

  #note({ to, isDirectory }: Packed): void {
    const name = belowTree(to);
    if (name === '') {
      if (!isDirectory) this.#tellNoName();
      return;
    }
    const slash = name.lastIndexOf('/');
    const parent = name.slice(0, Math.max(slash, 0));
    this.#enter(parent);
    if (isDirectory) this.#enter(name);
    else this.#directories.get(parent)?.add(name.slice(slash + 1));
  }

  #tellNoName(): void {
    const { onNotice } = this.#work.observer;
    onNotice?.(
      errorDiagnostic('path', `a file cannot be ${this.#work.request.target}, which is a directory`),
    );
  }

  /** Parents first, as the order of a map is that of arrival. */
  #enter(directory: string): void {
    if (this.#directories.has(directory)) return;
    const slash = directory.lastIndexOf('/');
    this.#enter(directory.slice(0, Math.max(slash, 0)));
    this.#directories.set(directory, new Set());
  }
}

function belowTree(name: string): string {
  return name.slice(TREE.length + 1);
}

/** A path below the target that does not leave it. */
function cleanName(text: string): string {
  return parsePath(text, '/').path.slice(1);
}
