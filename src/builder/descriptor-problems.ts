import type { Diagnostic } from '../base/diagnostic.ts';
import type { Descriptors } from '../libkrun/execute.ts';
import { isOpen } from '../libkrun/options.ts';
import type { Call, CallArgument } from '../vm/calls.ts';
import { LIBKRUN_FUNCTIONS } from '../vm/functions.ts';
import { mistake } from './error.ts';

/** Files that calls name and that are not open: libkrun takes any number, and panics in a thread of its own. */
export function descriptorProblems(calls: readonly Call[], descriptors: Descriptors): readonly Diagnostic[] {
  const problems = calls.flatMap((call) => fdArguments(call).map((fd) => problemOf(fd, descriptors)));
  const told = new Map(problems.filter((one) => one !== undefined).map((one) => [one.message, one]));
  return [...told.values()];
}

/** Every `int` of libkrun's interface is a file descriptor. */
function fdArguments({ name, args }: Call): readonly CallArgument[] {
  const { parameters } = LIBKRUN_FUNCTIONS[name];
  return args.filter((_, index) => parameters[index] === 'int');
}

function problemOf(argument: CallArgument, descriptors: Descriptors): Diagnostic | undefined {
  const name = typeof argument === 'object' && argument !== null && 'descriptor' in argument;
  const fd = name ? descriptors[argument.descriptor] : argument;
  if (name && fd === undefined) {
    const message = `no open file is given for <${argument.descriptor}>`;
    return mistake('enter', message, 'name it in `descriptors`');
  }
  if (typeof fd !== 'number' || fd === -1 || isOpen(fd)) return undefined;
  return mistake('enter', `${fd}${name ? `, given for <${argument.descriptor}>,` : ''} is not an open file`);
}
