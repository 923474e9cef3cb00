import type { LibkrunFunction } from './functions.ts';

/**
 * What a parameter may be given; a MAC address is its usual text, `52:54:00:12:34:56`, and a pointer the bytes that it
 * points to or an address.
 */
export type Argument = number | bigint | boolean | string | null | readonly string[] | Uint8Array;

/** An open file of the process that makes the calls, by a name where the number is known only then. */
export type Fd = number | { readonly descriptor: string };

export type CallArgument = Argument | Fd | { readonly result: string };

/** One call of libkrun as a value: made by `compile`, printed by {@link formatCall}, carried out by `execute`. */
export interface Call {
  readonly name: LibkrunFunction;
  readonly args: readonly CallArgument[];
  /** Name under which later calls refer to the result: `ctx`, `console0`, `display1`. */
  readonly result?: string;
}

/** `krun_add_disk3(ctx, "data", "/p/data.raw", 0, false, false, 2)`; open files as `<stdout>`, bytes as `<12 bytes>`. */
export function formatCall(call: Call): string {
  const text = `${call.name}(${call.args.map(formatArgument).join(', ')})`;
  return call.result === undefined ? text : `${call.result} = ${text}`;
}

function formatArgument(argument: CallArgument): string {
  if (argument instanceof Uint8Array) return `<${argument.length} bytes>`;
  if (typeof argument === 'object' && argument !== null && 'result' in argument) return argument.result;
  if (typeof argument === 'object' && argument !== null && 'descriptor' in argument)
    return `<${argument.descriptor}>`;
  return typeof argument === 'bigint' ? `0x${argument.toString(16)}` : JSON.stringify(argument);
}
