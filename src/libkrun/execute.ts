import type { Argument, Call, CallArgument } from '../vm/calls.ts';
import { krunError, type KrunFailure } from './errno.ts';
import type { Libkrun } from './ffi.ts';

/** Open file descriptors for what the calls refer to. */
export type Descriptors = Readonly<Partial<Record<string, number>>>;

/**
 * Makes the calls one after the other. The last one, krun_start_enter, ends the process with the guest, so the promise
 * settles only when libkrun refuses something. `beforeStart` gets the results that have names.
 */
export async function execute(
  calls: readonly Call[],
  library: Libkrun,
  descriptors: Descriptors,
  beforeStart: (results: Readonly<Partial<Record<string, number>>>) => void,
): Promise<KrunFailure> {
  const results: Partial<Record<string, number>> = {};
  for (const call of calls) {
    const args = call.args.map((argument) => resolve(argument, results, descriptors));
    if (call.name === 'krun_start_enter') {
      beforeStart(results);
      return krunError(call.name, await library.start(args[0] as number), process.platform);
    }
    const result = library.call(call.name, args);
    if (result < 0) return krunError(call.name, result, process.platform);
    if (call.result !== undefined) results[call.result] = result;
  }
  throw new Error('the calls do not start the machine');
}

function resolve(
  argument: CallArgument,
  results: Partial<Record<string, number>>,
  descriptors: Descriptors,
): Argument {
  if (typeof argument !== 'object' || argument === null || argument instanceof Uint8Array) return argument;
  if ('result' in argument) return known(results[argument.result], argument.result);
  if ('descriptor' in argument) return known(descriptors[argument.descriptor], argument.descriptor);
  return argument;
}

function known(value: number | undefined, name: string): number {
  if (value === undefined) throw new Error(`nothing to pass for ${name}`);
  return value;
}
