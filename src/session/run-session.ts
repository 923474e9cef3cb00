import type { Readable } from 'node:stream';
import { err, ok, type Result } from '../base/result.ts';
import type { SessionEnd, SessionRequest } from './api.ts';
import { openSession, type SessionRefusal } from './client.ts';

export interface RunSessionOptions {
  /** What the command gets as its standard input, up to its end. */
  readonly input?: string | Uint8Array;
  /** The command is killed after that. */
  readonly timeoutMs?: number;
  /** No more than the last bytes of each stream are kept. */
  readonly maxOutputBytes?: number;
  readonly signal?: AbortSignal;
}

/** A command that has run in a guest. */
export interface FinishedSession extends SessionEnd {
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

const MOST_OUTPUT_BYTES = 1024 * 1024;

/** Runs a command in a guest to its end. */
export async function runSession(
  controlSocket: string,
  request: Omit<SessionRequest, 'stdin'>,
  options: RunSessionOptions = {},
): Promise<Result<FinishedSession, SessionRefusal>> {
  const { input, timeoutMs, maxOutputBytes = MOST_OUTPUT_BYTES, signal } = options;
  const startedMs = performance.now();
  const opened = await openSession(
    controlSocket,
    { ...request, stdin: input !== undefined },
    { ...(signal ? { signal } : {}), ...(timeoutMs === undefined ? {} : { answerMs: timeoutMs }) },
  );
  if (!opened.ok) return err(opened.error);
  const session = opened.value;
  const stdout = keepEnd(session.stdout, maxOutputBytes);
  const stderr = keepEnd(session.stderr, maxOutputBytes);
  session.stdin.end(input);
  let timedOut = false;
  const end = (): void => {
    timedOut = true;
    session.signal('KILL');
    session.close();
  };
  const leftMs = timeoutMs === undefined ? undefined : timeoutMs - (performance.now() - startedMs);
  const timer = leftMs === undefined ? undefined : setTimeout(end, leftMs);
  const result = await session.end;
  clearTimeout(timer);
  const reason = timedOut ? { exitCode: null, error: `it took longer than ${timeoutMs} ms` } : result;
  return ok({ ...reason, stdout: await stdout, stderr: await stderr, timedOut });
}

async function keepEnd(stream: Readable, most: number): Promise<string> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < 2 * most) continue;
    chunks = [Buffer.concat(chunks).subarray(-most)];
    bytes = most;
  }
  return most === 0 ? '' : Buffer.concat(chunks).subarray(-most).toString('utf8');
}
