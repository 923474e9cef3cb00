import os from 'node:os';
import { Transform, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { SessionEnd } from '../../session/api.ts';
import type { Session } from '../../session/client.ts';
import { type Context, tell, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { DetachFilter, type DetachKeys } from './detach-keys.ts';
import type { Terminal } from './terminal.ts';

/** How krun's own streams are connected with those of a command in a guest. */
export interface Conversation {
  readonly machine: string;
  readonly session: Pick<
    Session,
    'stdin' | 'stdout' | 'stderr' | 'end' | 'signal' | 'resize' | 'detach' | 'close'
  >;
  /** Whether krun's input goes to the command. */
  readonly interactive: boolean;
  /** The command's input does not end with krun's: others may send more. */
  readonly leavesInputOpen?: boolean;
  /** Where the command has a terminal. */
  readonly terminal?: Terminal;
  readonly detachKeys: DetachKeys;
}

/** How a conversation ended. */
export type ConversationEnd =
  | { readonly kind: 'ended'; readonly end: SessionEnd }
  /** The user pressed the detach keys. */
  | { readonly kind: 'detached' }
  /** krun was told to go. */
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals };

/** These ask krun itself to end: they reach the command once, or krun alone where a terminal's shell would ignore them. */
const ENDING: ReadonlySet<NodeJS.Signals> = new Set(['SIGTERM', 'SIGHUP', 'SIGQUIT']);
const OTHERS: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'];

/** Passes input, output, signals and sizes until the command has ended, or somebody has had enough. */
export async function converse(context: Context, conversation: Conversation): Promise<ConversationEnd> {
  const { session, terminal, interactive } = conversation;
  const over = new Leaving();
  const unlisten = context.interrupts.listen(signals(conversation, over), OTHERS);
  const unresize = terminal?.onResize((size) => session.resize(size));
  const output = [show(session.stdout, context.stdout.stream), show(session.stderr, context.stderr.stream)];
  try {
    terminal?.enter();
    if (interactive) sendInput(context, conversation, over);
    else if (!conversation.leavesInputOpen) session.stdin.end();
    const ended = session.end.then(async (end): Promise<ConversationEnd> => {
      await Promise.all(output);
      return { kind: 'ended', end };
    });
    const end = await Promise.race([ended, over.promise]);
    if (end.kind === 'detached') session.detach();
    // The command was in the middle of a line.
    const isCutOff = end.kind !== 'ended' || end.end.exitCode === null;
    if (terminal && isCutOff) context.stdout.stream.write('\r\n');
    return end;
  } finally {
    unlisten();
    unresize?.();
    terminal?.leave();
    session.close();
    letGo(context);
  }
}

/** Says what there is to say about an end, and gives its exit code. */
export function tellEnd(context: Context, machine: string, outcome: ConversationEnd): ExitCode {
  switch (outcome.kind) {
    case 'ended': {
      const { exitCode, error, hint } = outcome.end;
      if (error !== undefined) tellError(context, `${machine}: ${error}`, hint);
      return exitCode ?? EXIT.unknownExit;
    }
    case 'detached':
      tell(context, `detached from ${machine}`);
      return EXIT.ok;
    case 'signalled':
      return 128 + os.constants.signals[outcome.signal];
  }
}

class Leaving {
  readonly promise: Promise<ConversationEnd>;
  #resolve: (end: ConversationEnd) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve) => (this.#resolve = resolve));
  }

  leave(end: ConversationEnd): void {
    this.#resolve(end);
  }
}

function signals({ session, terminal }: Conversation, over: Leaving): (signal: NodeJS.Signals) => void {
  const seen = new Set<NodeJS.Signals>();
  return (signal) => {
    if (signal === 'SIGCONT') {
      // Whoever stopped krun may have used the terminal meanwhile.
      terminal?.enter();
      if (terminal) session.resize(terminal.size);
      return;
    }
    if (ENDING.has(signal) && (terminal || seen.has(signal))) over.leave({ kind: 'signalled', signal });
    else session.signal(signal);
    seen.add(signal);
  };
}

/** Output as it comes, held back where nobody reads it. */
async function show(from: Readable, to: NodeJS.WritableStream): Promise<void> {
  from.pipe(to, { end: false });
  await finished(from);
}

const END_OF_TRANSMISSION = Buffer.from([4]);

function sendInput(context: Context, conversation: Conversation, over: Leaving): void {
  const { session, terminal, detachKeys, leavesInputOpen = false } = conversation;
  const end = !leavesInputOpen;
  if (!terminal) {
    context.stdin.pipe(session.stdin, { end });
    return;
  }
  const filter = new DetachFilter(detachKeys);
  const keys = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const { bytes, detached } = filter.push(chunk);
      if (detached) over.leave({ kind: 'detached' });
      done(null, bytes);
    },
    // A terminal's input has no end but Ctrl-D, where it comes from a pipe.
    flush: (done) => done(null, leavesInputOpen ? undefined : END_OF_TRANSMISSION),
  });
  context.stdin.pipe(keys).pipe(session.stdin, { end });
}

/** An input that nobody has ended must not keep krun. */
function letGo({ stdin }: Context): void {
  stdin.unpipe();
  stdin.pause();
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
}
