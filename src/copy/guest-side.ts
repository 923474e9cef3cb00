import { errorDiagnostic, type Diagnostic, warningDiagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { SessionEnd } from '../session/api.ts';
import type { OnNotice } from './api.ts';
import { ByteSource } from './byte-source.ts';
import { shown } from './bytes.ts';
import type { OpenSession, Session } from './session.ts';

/** Root, by number: a guest may have no /etc/passwd. */
const ROOT = '0:0';

/** Code of what the guest is to blame for: its name belongs in front. */
export const GUEST_TROUBLE = 'state';

/** What a script says first is shorter. */
const LONGEST_REPLY_BYTES = 64 * 1024;
const KEPT_STDERR_BYTES = 16 * 1024;

export interface ScriptCall {
  readonly script: string;
  readonly args: readonly string[];
  readonly user?: string;
}

/** A script of guest-scripts.ts that runs. */
export interface RunningScript {
  readonly session: Session;
  /** What it said first, as a byte string. */
  readonly reply: string;
  /** What comes on standard output behind that. */
  readonly output: ByteSource;
  /** Waits for the end: undefined where all went well, else why not. Tells of warnings. */
  readonly finish: (onNotice?: OnNotice) => Promise<Diagnostic | undefined>;
}

/** Starts a script in the guest and waits for its first word. */
export async function startScript(
  open: OpenSession,
  { script, args, user = ROOT }: ScriptCall,
): Promise<Result<RunningScript, Diagnostic>> {
  const opened = await open({
    command: ['/bin/sh', '-c', script, 'sh', ...args],
    // Messages are read below, and a name is bytes.
    environment: { LC_ALL: 'C' },
    workingDir: '/',
    user,
    stdin: true,
  });
  if (!opened.ok) return err(diagnostic(opened.error.message, opened.error.hint));
  const session = opened.value;
  const complaints = collect(session);
  const output = new ByteSource(session.stdout);
  const reply = await output.through('/\n', LONGEST_REPLY_BYTES);
  const missing = /^missing (\w+)$/.exec(reply ?? '')?.[1];
  if (reply === undefined || missing !== undefined) {
    if (missing !== undefined) {
      session.close();
      return err(lacks(missing));
    }
    // Output that ended early is followed by the reason; output that goes on is none of a script's.
    if (!output.isAtEnd) session.close();
    return err(endDiagnostic(await session.end, await complaints) ?? noAnswer());
  }
  return ok({
    session,
    reply,
    output,
    async finish(onNotice) {
      const end = await session.end;
      const { lines, harmless } = sort(await complaints);
      // GNU tar and bsdtar end with 1 where a file changed meanwhile.
      const isFine = end.exitCode === 0 || (end.exitCode === 1 && lines.length === 0 && harmless.length > 0);
      if (!isFine) return endDiagnostic(end, lines);
      for (const line of [...harmless, ...lines]) onNotice?.(warningDiagnostic('io', line));
      return undefined;
    },
  });
}

/** Lines of standard error, the newest where there are many; read to the end. */
async function collect({ stderr }: Session): Promise<readonly string[]> {
  let text = '';
  for await (const chunk of stderr as AsyncIterable<Buffer>) {
    text = (text + chunk.toString('latin1')).slice(-KEPT_STDERR_BYTES);
  }
  return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [shown(line.trim())]));
}

const HARMLESS =
  /file changed as we read it|File removed before we read it|socket ignored|^tar: Removing leading/;
/** Clocks of two machines are never quite the same. */
const NOISE = /^tar: .* is .* s in the future$|^tar: Exiting with failure status|^tar: Error exit delayed/;

function sort(all: readonly string[]): { readonly lines: string[]; readonly harmless: string[] } {
  const worth = all.filter((line) => !NOISE.test(line));
  return {
    lines: worth.filter((line) => !HARMLESS.test(line)),
    harmless: worth.filter((line) => HARMLESS.test(line)),
  };
}

function endDiagnostic(end: SessionEnd, lines: readonly string[]): Diagnostic | undefined {
  if (end.error !== undefined) return diagnostic(end.error, end.hint);
  if (end.exitCode === 0) return undefined;
  const why = lines.slice(-3).join('; ');
  const code = end.exitCode === null ? 'without an exit code' : `with ${end.exitCode}`;
  const suffix = why === '' ? '' : `: ${why}`;
  return diagnostic(`copying ended ${code} in the guest${suffix}`, hintFor(why));
}

function hintFor(text: string): string | undefined {
  if (/No space left on device/i.test(text))
    return "the guest's disk is full; free some space in it, or give it a larger one";
  if (/Read-only file system/i.test(text)) return 'the guest has it mounted read-only';
  return undefined;
}

function lacks(tool: string): Diagnostic {
  return diagnostic(`the guest has no ${tool}`, `copying needs it: put ${tool} into the machine's root`);
}

function noAnswer(): Diagnostic {
  return diagnostic('the guest gave no answer that krun knows', 'its shell may not be a POSIX shell');
}

function diagnostic(message: string, hint: string | undefined): Diagnostic {
  return errorDiagnostic(GUEST_TROUBLE, message, hint === undefined ? {} : { hint });
}
