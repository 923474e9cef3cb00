import { closeSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { Diagnostic } from '../base/diagnostic.ts';
import { tryLock } from '../host/flock.ts';
import { processIdentity } from '../host/identity.ts';
import { prepareRuntimeDirectory, prepareStateDirectory } from '../store/directories.ts';
import { projectLayout, type Layout } from '../store/layout.ts';
import { readProjectState } from '../store/record-files.ts';
import { SUPERVISOR_PROTOCOL } from './api.ts';
import { createServer } from './server.ts';
import { Supervisor } from './supervisor.ts';
import { SUPERVISOR_VERSION } from './version.ts';

/** Without work and without clients, this long. */
const IDLE_MS = 1000;

interface Arguments {
  readonly directory: string;
  readonly name: string | undefined;
  /** Where the parent hears how the start went. */
  readonly readyFd: number | undefined;
}

/** `node dist/supervisor.js DIRECTORY [-p NAME] [--ready-fd N]` */
async function main(): Promise<void> {
  const { directory, name, readyFd } = parseArguments(process.argv.slice(2));
  const tell = (message: object): void => {
    if (readyFd === undefined) return;
    writeSync(readyFd, `${JSON.stringify(message)}\n`);
    closeSync(readyFd);
  };
  const uid = process.getuid?.() ?? 0;
  const layout = projectLayout(directory, name, process.env, uid);
  process.chdir('/');
  process.umask(0o077);
  // A terminal that closes or a Ctrl-C in it is not meant for us.
  for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => undefined);
  for (const prepared of [await prepareStateDirectory(layout), await prepareRuntimeDirectory(layout, uid)]) {
    if (!prepared.ok) return refuse(tell, prepared.error);
  }
  const lock = tryLock(layout.lockFile, 'exclusive', true);
  if (!lock.held) return tell({ kind: 'lost' });
  writeFileSync(layout.lockFile, JSON.stringify(processIdentity(process.pid)));
  const problem = await supervise(layout, name, tell);
  if (problem) refuse(tell, problem);
}

/** Runs until there is nothing left to look after; returns early with what prevents it from running. */
async function supervise(
  layout: Layout,
  name: string | undefined,
  tell: (message: object) => void,
): Promise<Diagnostic | undefined> {
  const state = await readProjectState(layout);
  if (!state.ok) return state.error;
  let clients = 0;
  /** Counts what happens, so that nothing that came in between is overlooked. */
  let happened = 0;
  let idle: NodeJS.Timeout | undefined;
  const supervisor = new Supervisor({
    layout,
    projectName: state.value.project?.name ?? path.basename(layout.projectDirectory),
    program: [process.execPath, path.join(import.meta.dirname, 'machine.js')],
    environment: process.env,
    warn,
    settled: () => checkIdle(),
    ...(name === undefined ? {} : { nameOverride: name }),
  });
  const recovered = await supervisor.recover();
  if (!recovered.ok) return recovered.error;
  const server = createServer({
    supervisor,
    version: { protocol: SUPERVISOR_PROTOCOL, version: SUPERVISOR_VERSION, pid: process.pid },
    clients: (change) => {
      clients += change;
      checkIdle();
    },
    exit: async () => {
      await supervisor.leave('the supervisor was replaced by one of another krun');
      // After the answer has been written.
      setImmediate(() => end(0));
    },
    endIfEmpty: async () => {
      // One client is left: the one that is told by our end.
      if (!supervisor.isEmpty || supervisor.isBusy || clients > 1) return;
      await supervisor.leave();
      if (supervisor.isEmpty && !supervisor.isBusy && clients <= 1) end(0);
    },
  });
  // Ours is the lock, so a socket that is there belongs to nobody.
  rmSync(layout.supervisorSocket, { force: true });
  server.on('error', (error) => {
    warn(error.message);
    end(1);
  });
  server.listen(layout.supervisorSocket, () => {
    tell({ kind: 'ready' });
    checkIdle();
  });
  process.on('SIGTERM', () => {
    void supervisor.leave('The supervisor was told to end (SIGTERM)').then(() => end(0));
  });

  /** In one go, so that nobody who gets the lock next finds this one's socket. */
  function end(code: number): never {
    server.close();
    rmSync(layout.supervisorSocket, { force: true });
    writeFileSync(layout.lockFile, '');
    process.exit(code);
  }

  function checkIdle(): void {
    happened += 1;
    clearTimeout(idle);
    if (clients > 0 || supervisor.isBusy) return;
    idle = setTimeout(() => {
      const before = happened;
      void supervisor.leave().then(() => {
        if (happened === before && clients === 0 && !supervisor.isBusy) end(0);
      });
    }, IDLE_MS);
  }
  return undefined;
}

function refuse(tell: (message: object) => void, diagnostic: Diagnostic): void {
  warn(diagnostic.message);
  tell({ kind: 'refused', diagnostic });
  process.exitCode = 1;
}

/** stderr is supervisor.log. */
function warn(message: string): void {
  process.stderr.write(`${new Date().toISOString()} ${message}\n`);
}

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
