import { realpath } from 'node:fs/promises';
import { unlessMissing } from '../../host/errno.ts';
import type { Machine } from '../../project/project.ts';
import type { Context } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { chooseRunning } from '../guest/choose.ts';
import { guestDirectory } from '../guest/guest-directory.ts';
import { loginShell } from '../guest/login-shell.ts';
import { guestWords, sessionWish, type SessionArgs } from '../guest/request.ts';
import { runInGuest } from '../guest/run-in.ts';
import { locateProject } from '../project.ts';

export interface ShellArgs extends SessionArgs {
  readonly machine?: string;
  readonly command: readonly string[];
}

/** `krun shell`: the user's login shell, where the host's directory is in the guest. */
export async function run(context: Context, args: ShellArgs): Promise<ExitCode> {
  const wish = sessionWish(context, args);
  if (!wish.ok) return wish.error;
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const record = await chooseRunning(context, layout.value, args.machine);
  if (!record.ok) return record.error;
  const { machine, definition } = record.value;
  const directory = args.workdir ?? (await sharedDirectory(context, definition));
  return runInGuest(
    context,
    layout.value,
    { machine, command: loginShell(directory, guestWords(args.command)) },
    wish.value,
  );
}

async function sharedDirectory({ cwd }: Context, { shares }: Machine): Promise<string | undefined> {
  const real = (directory: string): Promise<string> =>
    unlessMissing(realpath(directory)).then((found) => found ?? directory);
  const sources = await Promise.all(
    shares.map(async ({ source, target }) => ({
      source: await real(source),
      ...(target !== undefined && { target }),
    })),
  );
  return guestDirectory(await real(cwd), sources);
}
