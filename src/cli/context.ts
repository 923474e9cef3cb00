import type { GlobalOptions } from './global-options.ts';

/** A stream that a command writes text to. */
export interface Output {
  readonly stream: NodeJS.WritableStream;
  readonly isTty: boolean;
  /** Whether escape sequences are wanted there. */
  readonly color: boolean;
  /** Width of the terminal in columns, if it is one. */
  readonly columns: number | undefined;
}

/** What becomes of the next SIGINT or SIGTERM; the newest listener gets it alone. */
export interface Interrupts {
  /**
   * Takes signals over until the returned function is called, on request also others than SIGINT and SIGTERM. Without a
   * listener krun ends with 130 or 143.
   */
  listen(onSignal: (signal: NodeJS.Signals) => void, others?: readonly NodeJS.Signals[]): () => void;
}

/** The outside world of the command line, as a value; made once by `main.ts`, or by a test. */
export interface Host {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly uid: number;
  readonly platform: NodeJS.Platform;
  /** Program and first arguments that start this krun again. */
  readonly self: readonly string[];
  readonly interrupts: Interrupts;
  /** Current time in milliseconds since the epoch. */
  now(): number;
}

/** What a command gets: the host, and the options before the command's name. */
export interface Context extends Host {
  readonly global: GlobalOptions;
}

/** Writes data of the command. */
export function print(context: Host, text: string): void {
  context.stdout.stream.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Writes a message for the person: progress, warnings, errors. */
export function tell(context: Host, text: string): void {
  if (wantsJson(context)) tellJson(context, { type: 'message', text: text.trimEnd() });
  else context.stderr.stream.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Writes `krun: MESSAGE` and what to do about it. */
export function tellError(context: Host, message: string, hint?: string): void {
  if (wantsJson(context)) tellJson(context, { type: 'error', message, ...(hint !== undefined && { hint }) });
  else tell(context, `krun: ${message}${hint === undefined ? '' : `\n  hint: ${hint}`}`);
}

/** Whether stderr is for programs: one object of JSON a line, and nothing else. */
export function wantsJson(context: Host): boolean {
  return 'global' in context && (context as Context).global.progress === 'json';
}

/** Writes one object for a program, with the time first as in events. */
export function tellJson(
  context: Host,
  object: { readonly type: string } & Readonly<Record<string, unknown>>,
): void {
  const time = new Date(context.now()).toISOString();
  context.stderr.stream.write(`${JSON.stringify({ time, ...object })}\n`);
}
