import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { ignoreErrno } from '../host/errno.ts';
import { type Identity, isAlive, isRunning } from '../host/identity.ts';

/** How a process ended. Both are null for one that another supervisor had started: only a parent is told. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The process of a machine or a network that runs, ours or adopted. */
export interface RunProcess {
  readonly ended: Promise<ProcessEnd>;
  /** SIGKILL. */
  kill(): void;
  /** SIGTERM. */
  terminate(): void;
}

/** Adopted processes are asked after: Node has no pidfd, and only a parent gets SIGCHLD. */
const ADOPTED_POLL_MS = 500;
/** Where asking who a process is takes a process itself, most polls only ask whether there is one. */
const POLLS_PER_IDENTITY = process.platform === 'linux' ? 1 : 20;

export interface RunCommand {
  /** Node, and the script of the process. */
  readonly program: readonly [node: string, script: string];
  readonly specFile: string;
  /** Takes what the process itself writes to stderr. */
  readonly stderrFile: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts a process in a session of its own, so that nothing that ends the supervisor ends it. */
export async function spawnRunProcess(command: RunCommand): Promise<RunProcess> {
  const [node, script] = command.program;
  const stderr = openSync(command.stderrFile, 'a', 0o600);
  try {
    const child = spawn(node, [script, command.specFile], {
      detached: true,
      cwd: '/',
      env: command.environment,
      stdio: ['ignore', 'ignore', stderr],
    });
    const ended = once(child, 'exit').then(([code, signal]): ProcessEnd => ({ code, signal }));
    // Told by 'error' below: no process, no exit.
    ended.catch(() => undefined);
    await once(child, 'spawn');
    return { ended, kill: () => child.kill('SIGKILL'), terminate: () => child.kill('SIGTERM') };
  } finally {
    closeSync(stderr);
  }
}

/** Watches a process that an earlier supervisor had started. */
export function adoptRunProcess(identity: Identity): RunProcess {
  let killed = false;
  let polls = 0;
  const ended = new Promise<ProcessEnd>((resolve) => {
    const timer = setInterval(() => {
      polls += 1;
      if (polls % POLLS_PER_IDENTITY === 0 ? isAlive(identity) : isRunning(identity.pid)) return;
      clearInterval(timer);
      resolve({ code: null, signal: killed ? 'SIGKILL' : null });
    }, ADOPTED_POLL_MS);
  });
  return {
    ended,
    kill: () => {
      killed = signalIdentified(identity, 'SIGKILL') || killed;
    },
    terminate: () => {
      signalIdentified(identity, 'SIGTERM');
    },
  };
}

/** SIGKILL for the process that the identity names, and for no other that has its pid by now. */
export function killIdentified(identity: Identity): boolean {
  return signalIdentified(identity, 'SIGKILL');
}

function signalIdentified(identity: Identity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    // EPERM: it runs as another user, for whom it ends by itself.
    ignoreErrno(error, 'ESRCH', 'EPERM');
    return false;
  }
}

/** Resolves when the process is gone. */
export async function untilGone(identity: Identity): Promise<void> {
  if (isAlive(identity)) await adoptRunProcess(identity).ended;
}
