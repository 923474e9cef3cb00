import type { PortName } from './console-ports.ts';
import type { Argument, LibkrunFunction } from './ffi.ts';

/** Open files that a machine hands to libkrun, by what they carry. */
export type DescriptorName = 'log' | 'stdout' | 'stderr' | LinkName | PortDescriptor;

/** What is behind a port; one that carries both ways has a second file for its output. */
export type PortDescriptor = PortName | `${PortName}.out`;

/** The connected socket behind one of the guest's interfaces. */
export type LinkName = `eth${number}`;

/** The result of an earlier call: the context, or the index of the console device. */
export type ResultName = 'ctx' | 'console';

export type CallArgument =
  | Argument
  | { readonly result: ResultName }
  | { readonly descriptor: DescriptorName };

/** One call of libkrun as a value: made by {@link calls}, printed by `formatCall`, carried out by the executor. */
export interface Call {
  readonly name: LibkrunFunction;
  readonly args: readonly CallArgument[];
  /** Name under which later calls refer to the result. */
  readonly result?: ResultName;
}

/** `krun_add_disk3(ctx, "data", "/p/data.raw", 0, false, false, 2)`; open files as `<stdout>`. */
export function formatCall(call: Call): string {
  const text = `${call.name}(${call.args.map(formatArgument).join(', ')})`;
  return call.result === undefined ? text : `${call.result} = ${text}`;
}

function formatArgument(argument: CallArgument): string {
  if (typeof argument === 'object' && argument !== null && 'result' in argument) return argument.result;
  if (typeof argument === 'object' && argument !== null && 'descriptor' in argument)
    return `<${argument.descriptor}>`;
  return JSON.stringify(argument);
}
