import { hypervisorRefusal } from '../../host/hypervisor.ts';
import { type Context, print } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

/**
 * Makes an empty virtual machine and prints `ok`, or what Hypervisor.framework says. `doctor` runs it with the node that
 * runs machines: it is the program that macOS looks at.
 */
export async function run(context: Context): Promise<ExitCode> {
  print(context, hypervisorRefusal() ?? 'ok');
  return EXIT.ok;
}
