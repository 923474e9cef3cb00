import { formatCall, type Call, type CallArgument } from '../vm/calls.ts';

/** A machine with the calls that make it. */
export interface MachineCalls {
  readonly machine: string;
  /** The run that was made by them; absent for a machine that does not run. */
  readonly run?: number;
  readonly calls: readonly Call[];
}

/** The calls, one a line; of several machines each under the machine's name. */
export function callsText(machines: readonly MachineCalls[]): string {
  const lines = machines.map(({ calls }) => calls.map(formatCall));
  if (lines.length === 1) return lines.flat().join('\n');
  return machines
    .map(({ machine }, index) =>
      [`${machine}:`, ...(lines[index] ?? []).map((line) => `  ${line}`)].join('\n'),
    )
    .join('\n\n');
}

/** The same as JSON; results of earlier calls, open files and bytes as objects. */
export function callsJson(machines: readonly MachineCalls[]): string {
  const shown = machines.map(({ machine, run, calls }) => ({
    machine,
    ...(run === undefined ? {} : { run }),
    calls: calls.map(({ name, args, result }) => ({
      name,
      args: args.map(argument),
      ...(result === undefined ? {} : { result }),
    })),
  }));
  return JSON.stringify(shown, undefined, 2);
}

function argument(value: CallArgument): unknown {
  return value instanceof Uint8Array ? { bytes: value.length } : value;
}
