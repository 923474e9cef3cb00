import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import type { Layout } from '../store/layout.ts';
import { nameOption } from '../supervisor/name-option.ts';
import type { Context } from './context.ts';

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
export function supervisorScript(): string {
  return path.join(import.meta.dirname, 'supervisor.js');
}
