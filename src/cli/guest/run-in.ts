import type { Layout } from '../../store/layout.ts';
import { type Context, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { converse, tellEnd } from './converse.ts';
import { openGuest } from './open.ts';
import type { SessionWish } from './request.ts';

/** Runs a command in a guest as the options say, and gives its exit code. */
export async function runInGuest(
  context: Context,
  layout: Layout,
  { machine, command }: { readonly machine: string; readonly command: readonly string[] },
  wish: SessionWish,
): Promise<ExitCode> {
  const { request, terminal, interactive, detachKeys } = wish;
  const opened = await openGuest(context, layout, machine, { ...request, command });
  if (!opened.ok) return opened.error;
  const session = opened.value;
  if (request.detached) {
    session.stdout.resume();
    session.stderr.resume();
    // Resolved first where the command could not be started.
    const end = await Promise.race([session.end, session.started.then(() => undefined)]);
    session.close();
    if (end?.error === undefined) return EXIT.ok;
    tellError(context, `${machine}: ${end.error}`, end.hint);
    return end.exitCode ?? EXIT.failure;
  }
  const conversation = { machine, session, interactive, detachKeys, ...(terminal && { terminal }) };
  return tellEnd(context, machine, await converse(context, conversation));
}
