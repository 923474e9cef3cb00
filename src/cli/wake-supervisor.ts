import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import type { Event } from '../plan/event.ts';
import type { Request } from '../plan/request.ts';
import type { Layout } from '../store/layout.ts';
import { ensureSupervisor, nameOption } from '../supervisor/ensure.ts';
import { KRUN_VERSION } from './build-constants.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { tellDiagnostics } from './project.ts';

/** A supervisor that answers, for the time of one command. */
export interface Supervisor {
  /** Sends a request; the events end after `done`, or when the supervisor is lost. */
  send(request: Request): AsyncIterable<Event>;
  /** Ends what is still listened to; requests go on. */
  leave(): void;
}

/** The project's supervisor, started if need be; what prevents that is told. */
export async function openSupervisor(
  context: Context,
  layout: Layout,
): Promise<Result<Supervisor, ExitCode>> {
  const client = await ensureSupervisor(layout, {
    script: supervisorScript(),
    version: KRUN_VERSION,
    environment: context.env,
  });
  if (!client.ok) {
    tellDiagnostics(context, [client.error]);
    return err(EXIT.failure);
  }
  const leaving = new AbortController();
  return ok({
    send: (request) => client.value.request(request, leaving.signal),
    leave: () => leaving.abort(),
  });
}

/** Starts a supervisor where none listens, and does not wait for it: it takes over what it finds. */
export async function wakeSupervisor(context: Context, layout: Layout): Promise<void> {
  if (await isListening(layout.supervisorSocket)) return;
  const log = openSync(layout.supervisorLog, 'a', 0o600);
  try {
    const child = spawn(
      process.execPath,
      [supervisorScript(), layout.projectDirectory, ...nameOption(layout)],
      {
        detached: true,
        cwd: '/',
        env: context.env,
        stdio: ['ignore', 'ignore', log],
      },
    );
    // The next command tries again; this one has only looked.
    child.on('error', () => undefined);
    child.unref();
  } finally {
    closeSync(log);
  }
}

function isListening(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Beside the bundle that this code is in. */
function supervisorScript(): string {
  return path.join(import.meta.dirname, 'supervisor.js');
}
