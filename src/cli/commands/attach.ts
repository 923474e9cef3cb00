import type { Exit } from '../../plan/machine-state.ts';
import { exitText } from '../../plan/restart.ts';
import { openSession, type Session } from '../../session/client.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { machineLayout, type Layout } from '../../store/layout.ts';
import type { MachineRecord } from '../../store/records.ts';
import { type Context, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { showOutput, untilEnded } from '../guest/attach-log.ts';
import { chooseRunning } from '../guest/choose.ts';
import { converse, type ConversationEnd, tellEnd } from '../guest/converse.ts';
import { DEFAULT_DETACH_KEYS, type DetachKeys, parseDetachKeys } from '../guest/detach-keys.ts';
import { tellRefusal } from '../guest/open.ts';
import { isInteractive, ownTerminal, type Terminal } from '../guest/terminal.ts';
import { locateProject } from '../project.ts';
import { perform } from '../requests.ts';

export interface AttachArgs {
  readonly machine: string;
  readonly stdin: boolean;
  readonly sigProxy: boolean;
  readonly detachKeys?: string;
}

/** `krun attach`: the input and output of a machine's own command from now on, until it ends. */
export async function run(context: Context, args: AttachArgs): Promise<ExitCode> {
  const keys = parseDetachKeys(args.detachKeys ?? DEFAULT_DETACH_KEYS);
  if (!keys.ok) {
    tellError(context, `--detach-keys: ${keys.error}`);
    return EXIT.usage;
  }
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const record = await chooseRunning(context, layout.value, args.machine);
  if (!record.ok) return record.error;
  const attachment = new Attachment(context, layout.value, record.value, args);
  return record.value.definition.tty ? attachment.shareTerminal(keys.value) : attachment.followOutput();
}

const FORWARDED: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/** So long after the end of a session the record must say that the machine has ended, or it was only the session's. */
const RECORDED_MS = 10_000;

class Attachment {
  readonly #context: Context;
  readonly #layout: Layout;
  readonly #record: MachineRecord;
  readonly #args: AttachArgs;

  constructor(context: Context, layout: Layout, record: MachineRecord, args: AttachArgs) {
    this.#context = context;
    this.#layout = layout;
    this.#record = record;
    this.#args = args;
  }

  /** The command has a terminal, which comes through a session. */
  async shareTerminal(detachKeys: DetachKeys): Promise<ExitCode> {
    const context = this.#context;
    const { machine } = this.#record;
    const terminal = this.#args.stdin && isInteractive(context) ? ownTerminal(context) : undefined;
    const opened = await this.#open(terminal);
    if (!opened.ok) return opened.error;
    const end = await converse(context, {
      machine,
      session: this.#proxy(opened.value),
      interactive: this.#args.stdin,
      leavesInputOpen: true,
      detachKeys,
      ...(terminal && { terminal }),
    });
    if (end.kind !== 'ended') return tellEnd(context, machine, end);
    const exit = await untilEnded(context, this.#layout, this.#record, AbortSignal.timeout(RECORDED_MS));
    return exit ? this.#tellExit(exit) : tellEnd(context, machine, end);
  }

  /** What the command writes is in its log; a session takes its input only. */
  async followOutput(): Promise<ExitCode> {
    const context = this.#context;
    const takesInput = this.#record.definition.stdinOpen && this.#args.stdin;
    const opened = takesInput ? await this.#open(undefined) : ok(undefined);
    if (!opened.ok) return opened.error;
    const session = opened.value;
    if (session) context.stdin.pipe(session.stdin, { end: false });
    const ending = new AbortController();
    let left: ConversationEnd | undefined;
    const unlisten = context.interrupts.listen((signal) => {
      if (this.#args.sigProxy && signal !== 'SIGHUP') return this.#signal(signal);
      left = { kind: 'signalled', signal };
      ending.abort();
    }, FORWARDED);
    try {
      const output = showOutput(context, this.#layout, this.#record.machine, ending.signal);
      const exit = await untilEnded(context, this.#layout, this.#record, ending.signal);
      ending.abort();
      await output;
      return left ? tellEnd(context, this.#record.machine, left) : this.#tellExit(exit);
    } finally {
      unlisten();
      session?.close();
      context.stdin.unpipe();
      context.stdin.pause();
    }
  }

  async #open(terminal: Terminal | undefined): Promise<Result<Session, ExitCode>> {
    const { machine } = this.#record;
    const socket = machineLayout(this.#layout, machine).controlSocket;
    const opened = await openSession(socket, {
      attach: true,
      ...(terminal && { terminal: terminal.size }),
    });
    if (opened.ok) return opened;
    await tellRefusal(this.#context, this.#layout, machine, opened.error);
    return err(EXIT.failure);
  }

  /** Signals go the way of `krun kill -s`, so that a command which ends by them counts as ended by the user. */
  #proxy(session: Session): Parameters<typeof converse>[1]['session'] {
    const { stdin, stdout, stderr, end } = session;
    return {
      stdin,
      stdout,
      stderr,
      end,
      signal: (name) => this.#args.sigProxy && this.#signal(name as NodeJS.Signals),
      resize: (size) => session.resize(size),
      detach: () => session.close(),
      close: () => session.close(),
    };
  }

  #signal(signal: NodeJS.Signals): void {
    const { global } = this.#context;
    const quiet = { ...this.#context, global: { ...global, progress: 'quiet' as const } };
    const machines = [this.#record.machine];
    // What goes wrong is told; there is nothing else to do about it.
    void perform(quiet, this.#layout, { type: 'kill', machines, signal });
  }

  #tellExit(exit: Exit | undefined): ExitCode {
    if (exit && exit.code !== null) return exit.code;
    const { machine } = this.#record;
    const how = exit === undefined ? 'ended' : `${exitText(exit)}${exit.reason ? `: ${exit.reason}` : ''}`;
    tellError(this.#context, `${machine} ${how}, and its exit code is not known`, `krun logs ${machine}`);
    return EXIT.unknownExit;
  }
}
