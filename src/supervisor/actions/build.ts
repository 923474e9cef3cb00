import { createWriteStream } from 'node:fs';
import type { Build, Machine } from '../../project/project.ts';
import type { Layout } from '../../store/layout.ts';
import { buildLogFile, fingerprint, writeFingerprint } from '../build-inputs.ts';
import { noteBuild, signalBuild } from '../build-process.ts';
import { ActionFailure } from '../failure.ts';
import type { ActionContext } from './context.ts';

/** Time between SIGTERM and SIGKILL for a build that is given up. */
const GIVE_UP_MS = 5000;

/** Runs the command that makes a machine's root or image. */
export async function build(definition: Machine, context: ActionContext): Promise<void> {
  if (!definition.build) throw new Error(`Internal error: machine ${definition.name} has no build`);
  // As they are before the command: what is edited while it runs makes the result stale.
  const made = await fingerprint(context.layout, definition, definition.build);
  const emit = (line: string): void => context.emit({ type: 'build-output', machine: definition.name, line });
  const log = createWriteStream(buildLogFile(context.layout, definition.name), { mode: 0o600 });
  const closed = new Promise<void>((resolve) => log.once('close', resolve));
  // The build may still work; the reader sees its output all the same.
  log.once('error', (error) => emit(`krun: cannot write the build's log: ${error.message}`));
  try {
    await runBuild(definition.name, definition.build, context, (line) => {
      log.write(`${line}\n`);
      emit(line);
    });
  } finally {
    log.end();
    await closed;
  }
  await writeFingerprint(context.layout, definition, made);
}

async function runBuild(
  machine: string,
  { command, directory, environment }: Build,
  { layout, signal, userMask }: ActionContext,
  output: (line: string) => void,
): Promise<void> {
  const [program = '', ...args] = command;
  // Loaded here because few commands build anything, and the supervisor lives long.
  const { execa } = await import('execa');
  const start = () =>
    execa(program, args, {
      cwd: directory,
      env: environment,
      stdin: 'ignore',
      all: true,
      buffer: false,
      reject: false,
      detached: true,
    });
  const child = withMask(userMask, start);
  const ended = watchBuild(layout, machine, child.pid, signal);
  for await (const line of child.iterable({ from: 'all' })) output(line);
  const result = await child;
  ended();
  if (!result.failed) return;
  signal.throwIfAborted();
  throw new ActionFailure(
    `build of ${machine} failed: ${program} ${howEnded(result)}`,
    result.code === 'ENOENT'
      ? `check build.command: there is no program ${program}, or no directory ${directory}`
      : `its output is in the lines above and in .krun/builds/${machine}.log`,
  );
}

/** Has the build end when it is given up, or when this supervisor is killed. Returns what is to be called at its end. */
function watchBuild(
  layout: Layout,
  machine: string,
  pid: number | undefined,
  signal: AbortSignal,
): () => void {
  if (pid === undefined) return () => undefined;
  const forget = noteBuild(layout, machine, pid);
  let timer: NodeJS.Timeout | undefined;
  const giveUp = (): void => {
    signalBuild(pid, 'SIGTERM');
    timer = setTimeout(() => signalBuild(pid, 'SIGKILL'), GIVE_UP_MS);
  };
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp);
  return () => {
    signal.removeEventListener('abort', giveUp);
    clearTimeout(timer);
    forget();
  };
}

/** What the action starts has the umask; nothing else runs meanwhile. */
function withMask<T>(mask: number, action: () => T): T {
  const own = process.umask(mask);
  try {
    return action();
  } finally {
    process.umask(own);
  }
}

function howEnded(result: {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly code?: string | undefined;
}): string {
  if (result.exitCode !== undefined) return `exited with ${result.exitCode}`;
  if (result.signal !== undefined) return `was ended by ${result.signal}`;
  return `could not be started (${result.code ?? 'unknown reason'})`;
}
