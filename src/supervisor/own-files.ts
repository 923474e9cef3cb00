import { existsSync, fstatSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import { watchPath } from '../host/watch.ts';
import { prepareRuntimeDirectory } from '../store/directories.ts';
import type { Layout } from '../store/layout.ts';
import { describeFailure } from './failure.ts';

/** Between two looks, where the system does not tell. */
const CHECK_MS = 5000;

export interface OwnFilesOptions {
  readonly layout: Layout;
  readonly uid: number;
  /** Open file of the project's lock. */
  readonly lock: number;
  /** Listens on the supervisor's socket. */
  readonly server: Server;
  readonly warn: (message: string) => void;
  /** The project's state was deleted. */
  readonly deleted: () => void;
}

/** Looks after the files by which a supervisor is found. Returns the function that looks at once. */
export function watchOwnFiles({ layout, uid, lock, server, warn, deleted }: OwnFilesOptions): () => void {
  function checkState(): void {
    const found = statSync(layout.lockFile, { throwIfNoEntry: false });
    if (found?.ino !== fstatSync(lock).ino) deleted();
  }

  /** The runtime directory is lost when the user logs out for the last time, and back with the next login. */
  async function checkSocket(): Promise<void> {
    if (existsSync(layout.supervisorSocket)) return;
    const prepared = await prepareRuntimeDirectory(layout, uid);
    if (!prepared.ok) return;
    server.close();
    server.listen(layout.supervisorSocket);
  }

  watchPath(layout.stateDirectory, checkState);
  setInterval(() => {
    checkState();
    checkSocket().catch((error: unknown) => warn(describeFailure(error).message));
  }, CHECK_MS).unref();
  return checkState;
}
