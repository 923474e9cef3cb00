import type { SessionRequest } from '../session/api.ts';
import type { BootstrapGuest } from './console-ports.ts';
import { environmentPrefix, exportLines } from './guest-environment.ts';
import { quote } from '../base/shell.ts';

/** The script that a session's slot evaluates: it becomes the command. */
export function sessionScript(guest: BootstrapGuest, request: SessionRequest): string {
  const user = request.user ?? guest.user;
  const own = { ...(request.terminal ? { TERM: request.terminal.term } : {}), ...request.environment };
  const prefix = environmentPrefix({ ...guest.environment, ...own });
  return [
    'krun_need cat',
    ...(request.stdin && !request.terminal ? ['krun_need dd'] : []),
    ...(user === undefined ? [] : [`krun_user ${quote(user)}`]),
    'krun_environment',
    ...exportLines(own),
    `krun_cd ${quote(request.workingDir ?? guest.workingDir)}`,
    `krun_find ${quote(request.command[0] ?? '')}`,
    ...(prefix.length > 0 ? ['krun_need env'] : []),
    `krun_exec ${[...prefix, ...request.command.map(quote)].join(' ')}`,
  ].join('\n');
}

/** What starts a session on its slot: a header line with the script's length, and the script. */
export function sessionHeader(
  script: string,
  { serial, mark, mode }: { readonly serial: number; readonly mark: string; readonly mode: string },
): string {
  const text = `${script}\n# ${mark}\n`;
  return `${Buffer.byteLength(text)} ${serial} ${mark} ${mode}\n${text}`;
}
