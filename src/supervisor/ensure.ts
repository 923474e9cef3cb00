import { spawn } from 'node:child_process';
import { closeSync, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { readJsonIfPresent, readTextIfPresent } from '../host/atomic-file.ts';
import { ChangeSignal } from '../host/change-signal.ts';
import { unlessMissing } from '../host/errno.ts';
import { tailOf } from '../host/file-tail.ts';
import { checkPrivateDirectory, prepareStateDirectory } from '../store/directories.ts';
import type { Layout } from '../store/layout.ts';
import { SUPERVISOR_PROTOCOL } from './api.ts';
import { connectSupervisor, type SupervisorClient } from './client.ts';
import { nameOption } from './name-option.ts';

/** What a supervisor is started from. */
export interface SupervisorPaths {
  /** `dist/supervisor.js`. */
  readonly script: string;
  /** The krun that the supervisor has to be of. */
  readonly version: string;
  /** Environment of the supervisor, and so of builds; that of this process when absent. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** A supervisor that does not come up in this time never will. */
const PATIENCE_MS = 30_000;
const LONGEST_LOG_BYTES = 1024 * 1024;
const LOG_LINES_SHOWN = 5;

/** The project's supervisor; one is started where none answers, and one of another version is replaced. */
export async function ensureSupervisor(
  layout: Layout,
  paths: SupervisorPaths,
): Promise<Result<SupervisorClient, Diagnostic>> {
  const deadline = Date.now() + PATIENCE_MS;
  let isStarted = false;
  while (Date.now() < deadline) {
    const client = await connectSupervisor(await asHeld(layout));
    if (client === 'silent') break;
    // The one that was started here is what there is to have, whatever it calls itself.
    if (client && (isStarted || isOurs(client, paths))) return ok(client);
    if (client) await client.exit();
    const outcome = await startSupervisor(layout, paths);
    if (!outcome.ok) return outcome;
    // Somebody else's was faster, or the one before is about to end.
    if (outcome.value === 'lost') await socketChange(layout);
    else isStarted = true;
  }
  return err(await silentHolder(layout));
}

/**
 * The layout with the socket of the supervisor that holds the project: one that was started with another XDG_RUNTIME_DIR
 * (a login, a cron job, sudo) listens elsewhere. The file may have come with somebody's repository, and name any socket.
 */
async function asHeld(layout: Layout): Promise<Layout> {
  const holder = await readJsonIfPresent(layout.lockFile);
  if (typeof holder !== 'object' || holder === null || !('socket' in holder)) return layout;
  const { socket } = holder;
  if (typeof socket !== 'string' || (await isAnybodys(path.dirname(socket), layout))) return layout;
  return { ...layout, supervisorSocket: socket };
}

/** Whether a directory is open to more users than root, this one and the lock's owner, whose project `sudo krun` sees. */
async function isAnybodys(directory: string, { lockFile }: Layout): Promise<boolean> {
  const [lock, found] = await Promise.all([unlessMissing(stat(lockFile)), unlessMissing(stat(directory))]);
  if (!found) return false;
  if (![0, process.getuid?.(), lock?.uid].includes(found.uid)) return true;
  return (await unlessMissing(checkPrivateDirectory(directory, found.uid))) !== undefined;
}

function isOurs({ version }: SupervisorClient, paths: SupervisorPaths): boolean {
  return version.protocol === SUPERVISOR_PROTOCOL && version.version === paths.version;
}

type StartReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'refused'; readonly diagnostic: Diagnostic }
  /** There is no process: the system refuses more. */
  | { readonly kind: 'failed'; readonly message: string };

/** Starts a supervisor, detached from this process, and waits until it says how that went. */
async function startSupervisor(
  layout: Layout,
  paths: SupervisorPaths,
): Promise<Result<'ready' | 'lost', Diagnostic>> {
  const prepared = await prepareStateDirectory(layout);
  if (!prepared.ok) return prepared;
  const log = openLog(layout.supervisorLog);
  const child = spawn(
    process.execPath,
    [paths.script, layout.projectDirectory, ...nameOption(layout), '--ready-fd', '3'],
    {
      detached: true,
      cwd: '/',
      env: paths.environment ?? process.env,
      stdio: ['ignore', 'ignore', log.fd, 'pipe'],
    },
  );
  closeSync(log.fd);
  const failed = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(JSON.stringify({ kind: 'failed', message: error.message })));
  });
  const said = await Promise.race([text(child.stdio[3] as Readable), failed]);
  child.unref();
  const report = parseReport(said);
  if (report?.kind === 'refused') return err(report.diagnostic);
  if (report?.kind === 'failed') {
    return err(errorDiagnostic('environment', `cannot start the supervisor: ${report.message}`));
  }
  if (report) return ok(report.kind);
  const lines = tailOf(layout.supervisorLog).trimEnd().split('\n').slice(-LOG_LINES_SHOWN);
  return err(
    errorDiagnostic('environment', `the supervisor ended at once: ${lines.join('\n')}`, {
      hint: `its whole log is ${layout.supervisorLog}`,
    }),
  );
}

function parseReport(said: string): StartReport | undefined {
  const line = said.trim();
  // Nothing: it died before it could say a word.
  return line === '' ? undefined : (JSON.parse(line) as StartReport);
}

/** A supervisor says little; what an earlier one said is kept until it is too much. */
function openLog(file: string): { readonly fd: number } {
  const fd = openSync(file, 'a', 0o600);
  if (fstatSync(fd).size > LONGEST_LOG_BYTES) ftruncateSync(fd);
  return { fd };
}

/** Resolves when the supervisor's socket may have come or gone. */
async function socketChange(layout: Layout): Promise<void> {
  const changes = new ChangeSignal();
  try {
    changes.watchOnly([layout.runtimeDirectory]);
    if (await connectSupervisor(layout)) return;
    await changes.next(AbortSignal.timeout(PATIENCE_MS));
  } finally {
    changes.close();
  }
}

async function silentHolder(layout: Layout): Promise<Diagnostic> {
  const holder = (await readTextIfPresent(layout.lockFile)) ?? '';
  const pid = /"pid":(\d+)/.exec(holder)?.[1];
  return errorDiagnostic(
    'state',
    `the project's supervisor${pid ? ` (process ${pid})` : ''} does not answer on ${(await asHeld(layout)).supervisorSocket}`,
    {
      hint: pid
        ? `end it with kill -9 ${pid}; machines run on and are found again`
        : `see ${layout.supervisorLog}`,
    },
  );
}
