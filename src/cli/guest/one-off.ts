import type { UpRequest } from '../../plan/request.ts';
import type { Machine } from '../../project/project.ts';
import type { Layout } from '../../store/layout.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { perform } from '../requests.ts';
import { converse, tellEnd } from './converse.ts';
import { openGuest } from './open.ts';
import type { SessionWish } from './request.ts';

/** A machine that waits for a command, and the request that makes and starts it. */
export interface OneOffRun {
  readonly machine: Machine;
  readonly request: UpRequest;
  readonly wish: SessionWish;
}

/** Starts the machine, runs its command with krun's own input and output, and ends the machine, however that came out. */
export async function runOneOff(
  context: Context,
  layout: Layout,
  { machine, request, wish }: OneOffRun,
): Promise<ExitCode> {
  const { name, command } = machine;
  const started = await startUnlessInterrupted(context, layout, request, name);
  if (started !== EXIT.ok) return started;
  // The machine's definition holds the variables, the directory and the user.
  const { terminal, stdin } = wish.request;
  const opened = await openGuest(context, layout, name, {
    command,
    environment: {},
    stdin,
    endsGuest: true,
    ...(terminal && { terminal }),
  });
  if (!opened.ok) {
    await end(context, layout, machine);
    return opened.error;
  }
  const outcome = await converse(context, { ...wish, machine: name, session: opened.value });
  // One that was left goes on until its command has ended.
  if (outcome.kind !== 'detached') await end(context, layout, machine);
  return tellEnd(context, name, outcome);
}

/** Ctrl-C while machines start ends the one that was to run the command; what it needs stays. */
async function startUnlessInterrupted(
  context: Context,
  layout: Layout,
  request: UpRequest,
  name: string,
): Promise<ExitCode> {
  let code: ExitCode | undefined;
  let killed: Promise<unknown> | undefined;
  const unlisten = context.interrupts.listen((signal) => {
    code = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
    killed ??= perform(quiet(context), layout, { type: 'kill', machines: [name], signal: 'SIGKILL' });
  });
  try {
    const started = await perform(context, layout, request);
    await killed;
    return code ?? started;
  } finally {
    unlisten();
  }
}

/** An orderly end, so that what the command wrote is on the disks; `--rm` also removes the machine. */
async function end(context: Context, layout: Layout, { name, oneOff }: Machine): Promise<void> {
  const unlisten = context.interrupts.listen(() => undefined);
  try {
    const machines = [name];
    await perform(
      quiet(context),
      layout,
      oneOff?.removed ? { type: 'rm', machines, stop: true } : { type: 'stop', machines },
    );
  } finally {
    unlisten();
  }
}

function quiet(context: Context): Context {
  return { ...context, global: { ...context.global, progress: 'quiet' } };
}
