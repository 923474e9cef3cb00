import type { Readable, Writable } from 'node:stream';
import type { Result } from '../base/result.ts';
import type { SessionEnd, SessionRequest } from '../session/api.ts';

/** A command that runs in a guest, as far as copying needs it. */
export interface Session {
  /** Holds back while the guest does not read; takes and drops what comes after the command has ended. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves, and never rejects, when the command has ended and its output is complete. */
  readonly end: Promise<SessionEnd>;
  /** Ends the command and lets go of everything; nothing happens where it has ended. */
  close(): void;
}

/** Why there is no session: the machine does not run, or its guest has no agent. */
export interface SessionRefusal {
  readonly message: string;
  readonly hint?: string;
}

/** Starts a command in one machine's guest. */
export type OpenSession = (request: SessionRequest) => Promise<Result<Session, SessionRefusal>>;
