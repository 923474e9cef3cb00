import type { Diagnostic } from '../base/diagnostic.ts';

/** What has been done so far. */
export interface CopyCount {
  /** Files, symbolic links and hard links; no directories. */
  readonly files: number;
  /** Contents of files. */
  readonly bytes: number;
}

/** Called now and then while a copy runs, and once with the last count. */
export type OnProgress = (count: CopyCount) => void;

/** Called for what was left out or came out differently; the copy goes on. An error makes it a failure in the end. */
export type OnNotice = (notice: Diagnostic) => void;

/** Watches a copy. */
export interface CopyObserver {
  readonly onProgress?: OnProgress;
  readonly onNotice?: OnNotice;
}

/** A file, symbolic link or directory of the host and the name it gets below the target. */
export interface SyncEntry {
  /** Absolute path on the host. A directory is taken with all that it holds. */
  readonly from: string;
  /** Path below {@link SyncRequest.target}, with `/`; empty for the target itself. */
  readonly to: string;
}

/** Changes of the host that a guest is to have, in one go. */
export interface SyncRequest {
  /** Absolute directory in the guest; made where it is missing. */
  readonly target: string;
  readonly files: readonly SyncEntry[];
  /** Paths below the target; directories go with all that they hold. */
  readonly deleted: readonly string[];
  /** What stays on the host although a directory among `files` holds it; gets the absolute path. */
  readonly ignores?: (path: string, isDirectory: boolean) => boolean;
  /** Who writes in the guest, and so owns the files; root when absent. */
  readonly user?: string;
}

/** What a sync did. */
export interface SyncReport extends CopyCount {
  readonly deleted: number;
  /** Entries of `files`, by `to`, that were no longer on the host. */
  readonly vanished: readonly string[];
}
