import type { Writable } from 'node:stream';
import type { Diagnostic } from '../../base/diagnostic.ts';
import type { Result } from '../../base/result.ts';
import type { CopyCount, CopyObserver } from '../../copy/api.ts';
import { copyFromGuest } from '../../copy/from-guest.ts';
import { GUEST_TROUBLE } from '../../copy/guest-side.ts';
import { plainTar } from '../../copy/plain-tar.ts';
import type { OpenSession, Session } from '../../copy/session.ts';
import { copyToGuest } from '../../copy/to-guest.ts';
import { openSession, type SessionRefusal } from '../../session/client.ts';
import { type Layout, machineLayout } from '../../store/layout.ts';
import { type CopyDirection, copyDirection } from '../copy-direction.ts';
import { CopyProgress } from '../copy-progress.ts';
import { type Context, tell, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { tellRefusal } from '../guest/open.ts';
import { locateProject } from '../project.ts';

export interface CpArgs {
  readonly source: string;
  readonly destination: string;
  readonly archive?: boolean;
  readonly followLink?: boolean;
  readonly quiet?: boolean;
}

/** `krun cp`: as `docker cp`. */
export async function run(context: Context, args: CpArgs): Promise<ExitCode> {
  const wanted = copyDirection(args.source, args.destination, {
    stdinIsTty: context.stdin.isTTY === true,
    stdoutIsTty: context.stdout.isTty,
  });
  if (!wanted.ok) {
    tellError(context, wanted.error.message, wanted.error.hint);
    return EXIT.usage;
  }
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const guest = new GuestSessions(layout.value, wanted.value.machine);
  const unlisten = context.interrupts.listen((signal) => guest.interrupt(signal));
  const progress = new CopyProgress(context, args.quiet === true);
  let hasFailed = false;
  try {
    const result = await copy(
      context,
      { args, direction: wanted.value, open: guest.open },
      {
        onProgress: (count) => progress.update(count),
        onNotice(notice) {
          if (notice.severity === 'error') hasFailed = true;
          progress.clear();
          tellNotice(context, notice);
        },
      },
    );
    if (result.ok) {
      progress.done(result.value, args.destination === '-' ? 'standard output' : args.destination);
      return hasFailed ? EXIT.failure : EXIT.ok;
    }
    progress.clear();
    if (guest.signal !== undefined) return guest.signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
    if (guest.refusal) await tellRefusal(context, layout.value, wanted.value.machine, guest.refusal);
    else tellFailure(context, wanted.value.machine, result.error);
    return EXIT.failure;
  } finally {
    unlisten();
    letGo(context);
  }
}

/** Opens sessions, and remembers why there is none: only the command line knows how to put it. */
class GuestSessions {
  readonly open: OpenSession;
  refusal: SessionRefusal | undefined;
  signal: NodeJS.Signals | undefined;
  #session: Session | undefined;

  constructor(layout: Layout, machine: string) {
    const { controlSocket } = machineLayout(layout, machine);
    this.open = async (request) => {
      const opened = await openSession(controlSocket, request);
      if (!opened.ok) this.refusal = opened.error;
      else this.#session = opened.value;
      if (this.signal !== undefined) this.#session?.close();
      return opened;
    };
  }

  /** Lets the copy break off, so that it takes half a file away again. */
  interrupt(signal: NodeJS.Signals): void {
    this.signal = signal;
    this.#session?.close();
  }
}

interface Copy {
  readonly args: CpArgs;
  readonly direction: CopyDirection;
  readonly open: OpenSession;
}

function copy(
  context: Context,
  { args, direction, open }: Copy,
  observer: CopyObserver,
): Promise<Result<CopyCount, Diagnostic>> {
  const { cwd: workingDirectory, stdin, stdout } = context;
  const followsLink = args.followLink === true;
  const shared = { keepsOwners: args.archive === true, ...observer };
  if ('to' in direction) {
    const destination =
      direction.to.kind === 'host'
        ? { path: direction.to.path, workingDirectory }
        : { stream: stdout.stream as Writable };
    return copyFromGuest(open, {
      source: direction.path,
      named: args.source,
      followsLink,
      destination,
      ...shared,
    });
  }
  const source =
    direction.from.kind === 'host'
      ? { path: direction.from.path, workingDirectory, followsLink }
      : { stream: plainTar(stdin as AsyncIterable<Buffer>) };
  return copyToGuest(open, { source, destination: direction.path, named: args.destination, ...shared });
}

function tellFailure(context: Context, machine: string, { code, message, hint }: Diagnostic): void {
  tellError(context, code === GUEST_TROUBLE ? `${machine}: ${message}` : message, hint);
}

function tellNotice(context: Context, { severity, message, hint }: Diagnostic): void {
  if (severity === 'error') tellError(context, message, hint);
  else tell(context, `krun: warning: ${message}`);
}

/** An input that nobody has ended must not keep krun. */
function letGo({ stdin }: Context): void {
  stdin.pause();
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
}
