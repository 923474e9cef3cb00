import { closeSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { ignoreErrno } from '../host/errno.ts';
import { tryLock } from '../host/flock.ts';
import { HypervisorNode } from '../host/hypervisor-node.ts';
import { processIdentity } from '../host/identity.ts';
import { prepareRuntimeDirectory, prepareStateDirectory } from '../store/directories.ts';
import { projectLayout, signedNodeDirectory, type Layout } from '../store/layout.ts';
import { readProjectState } from '../store/record-files.ts';
import { SUPERVISOR_PROTOCOL } from './api.ts';
import { describeFailure } from './failure.ts';
import { Idle } from './idle.ts';
import { watchOwnFiles } from './own-files.ts';
import { createServer } from './server.ts';
import { Supervisor, type SupervisorOptions } from './supervisor.ts';
import { SUPERVISOR_VERSION } from './version.ts';

interface Arguments {
  readonly directory: string;
  readonly name: string | undefined;
  /** Where the parent hears how the start went. */
  readonly readyFd: number | undefined;
}

/** What a supervisor has when it takes office. */
interface Post {
  readonly name: string | undefined;
  readonly uid: number;
  readonly userMask: number;
  readonly tell: (message: object) => void;
  /** Open file of the project's lock. */
  readonly lock: number;
}

/** `node dist/supervisor.js DIRECTORY [-p NAME] [--ready-fd N]` */
async function main(): Promise<void> {
  const { directory, name, readyFd } = parseArguments(process.argv.slice(2));
  const tell = (message: object): void => {
    if (readyFd === undefined) return;
    try {
      writeSync(readyFd, `${JSON.stringify(message)}\n`);
    } catch (error) {
      // The command that started us was ended meanwhile.
      ignoreErrno(error, 'EPIPE');
    }
    closeSync(readyFd);
  };
  const uid = process.getuid?.() ?? 0;
  const layout = projectLayout(directory, name, process.env, uid);
  process.chdir('/');
  const userMask = process.umask(0o077);
  // A terminal that closes or a Ctrl-C in it is not meant for us.
  for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => undefined);
  for (const prepared of [await prepareStateDirectory(layout), await prepareRuntimeDirectory(layout, uid)]) {
    if (!prepared.ok) return refuse(tell, prepared.error);
  }
  try {
    const lock = tryLock(layout.lockFile, 'exclusive', true);
    if (!lock.held) return tell({ kind: 'lost' });
    noteHolder(layout, JSON.stringify({ ...processIdentity(process.pid), socket: layout.supervisorSocket }));
    const problem = await supervise(layout, { name, uid, userMask, tell, lock: lock.fd });
    if (problem) refuse(tell, problem);
  } catch (error) {
    const { message, ...more } = describeFailure(error);
    refuse(tell, errorDiagnostic('environment', `the supervisor cannot start: ${message}`, more));
  }
}

/** Only tells a human whom to look at; a full disk must not keep anybody from `krun down`. */
function noteHolder({ lockFile }: Layout, text: string): void {
  try {
    writeFileSync(lockFile, text);
  } catch (error) {
    warn(describeFailure(error).message);
  }
}

/** Runs until there is nothing left to look after; returns early with what prevents it from running. */
async function supervise(
  layout: Layout,
  { name, uid, userMask, tell, lock }: Post,
): Promise<Diagnostic | undefined> {
  const state = await readProjectState(layout);
  if (!state.ok) return state.error;
  let checkState = (): void => undefined;
  const supervisor = new Supervisor({
    layout,
    projectName: state.value.project?.name ?? path.basename(layout.projectDirectory),
    ...programs(),
    environment: process.env,
    userMask,
    warn,
    settled: () => idle.check(),
    ...(name === undefined ? {} : { nameOverride: name }),
  });
  const idle = new Idle({
    isBusy: () => supervisor.isBusy,
    leave: () => supervisor.leave(),
    end: () => end(0),
  });
  const recovered = await supervisor.recover();
  if (!recovered.ok) return recovered.error;
  const server = createServer({
    supervisor,
    version: { protocol: SUPERVISOR_PROTOCOL, version: SUPERVISOR_VERSION, pid: process.pid },
    clients: (change) => {
      checkState();
      idle.count(change);
    },
    exit: async () => {
      await supervisor.leave('the supervisor was replaced by one of another krun');
      // After the answer has been written.
      setImmediate(() => end(0));
    },
    endIfEmpty: async () => {
      // One client is left: the one that is told by our end.
      if (!supervisor.isEmpty || supervisor.isBusy || idle.clients > 1) return;
      await supervisor.leave();
      if (supervisor.isEmpty && !supervisor.isBusy && idle.clients <= 1) end(0);
    },
  });
  // Ours is the lock, so a socket that is there belongs to nobody.
  rmSync(layout.supervisorSocket, { force: true });
  server.on('error', (error) => {
    warn(error.message);
    // A later try to listen again may find the directory back.
    if (!isReady) end(1);
  });
  let isReady = false;
  server.listen(layout.supervisorSocket, () => {
    isReady = true;
    tell({ kind: 'ready' });
    idle.check();
  });
  checkState = watchOwnFiles({ layout, uid, lock, server, warn, deleted });
  process.on('SIGTERM', () => {
    void supervisor.leave('The supervisor was told to end (SIGTERM)').then(() => end(0));
  });

  /** In one go, so that nobody who gets the lock next finds this one's socket. */
  function end(code: number): never {
    server.close();
    rmSync(layout.supervisorSocket, { force: true });
    noteHolder(layout, '');
    process.exit(code);
  }

  /** Who deletes .krun deletes the project: nothing would find its machines any more. */
  function deleted(): never {
    warn(`${layout.lockFile} was deleted; so end the machines`);
    supervisor.kill();
    rmSync(layout.runtimeDirectory, { recursive: true, force: true });
    process.exit(1);
  }
  return undefined;
}

/** What runs machines and networks: scripts beside this one. */
function programs(): Pick<SupervisorOptions, 'machineScript' | 'machineNode' | 'networkProgram'> {
  return {
    machineScript: path.join(import.meta.dirname, 'machine.js'),
    machineNode: new HypervisorNode(signedNodeDirectory(process.env)),
    networkProgram: [process.execPath, path.join(import.meta.dirname, 'network.js')],
  };
}

function refuse(tell: (message: object) => void, diagnostic: Diagnostic): void {
  warn(diagnostic.message);
  tell({ kind: 'refused', diagnostic });
  process.exitCode = 1;
}

/** stderr is supervisor.log; on a full disk nothing is logged, which is no reason to leave the machines. */
function warn(message: string): void {
  try {
    // Not the stream: that is broken for good after its first failure.
    writeSync(STDERR, `${new Date().toISOString()} ${message}\n`);
  } catch (error) {
    ignoreErrno(error, 'ENOSPC', 'EDQUOT', 'EIO');
  }
}

const STDERR = 2;

function parseArguments(words: readonly string[]): Arguments {
  const [directory, ...options] = words;
  if (directory === undefined || !path.isAbsolute(directory)) {
    throw new Error('usage: supervisor.js DIRECTORY [-p NAME] [--ready-fd N]');
  }
  const value = (option: string): string | undefined => {
    const place = options.indexOf(option);
    return place === -1 ? undefined : options[place + 1];
  };
  const readyFd = value('--ready-fd');
  return { directory, name: value('-p'), readyFd: readyFd === undefined ? undefined : Number(readyFd) };
}

await main();
