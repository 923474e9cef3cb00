import type { Diagnostic } from '../../base/diagnostic.ts';
import { becomeHypervisorNode } from '../../host/hypervisor-node.ts';
import { HELP } from '../../krunkit/help.ts';
import { devicesOf } from '../../krunkit/options.ts';
import { parseKrunkit } from '../../krunkit/parse.ts';
import { planMachine, runMachine } from '../../krunkit/run.ts';
import { signedNodeDirectory } from '../../store/layout.ts';
import { renderDiagnostics } from '../../view/diagnostics.ts';
import { formatCall } from '../../vm/calls.ts';
import { KRUN_VERSION } from '../build-constants.ts';
import { type Context, print, tell } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface KrunkitArgs {
  /** Everything behind `krunkit`. */
  readonly words: readonly string[];
}

/** `krun krunkit`: this process becomes the machine, so that it returns only where there is none. */
export async function run(context: Context, { words }: KrunkitArgs): Promise<ExitCode> {
  const request = parseKrunkit(words);
  if (!request.ok) return refuse(context, request.error, EXIT.usage);
  if (request.value.kind !== 'machine') {
    print(context, request.value.kind === 'help' ? HELP : `krun ${KRUN_VERSION}`);
    return EXIT.ok;
  }
  const { options, printCalls } = request.value;
  if (printCalls) {
    const planned = planMachine(options, context, '');
    if (!planned.ok) return refuse(context, planned.error, EXIT.failure);
    for (const call of planned.value.calls) print(context, formatCall(call));
    return EXIT.ok;
  }
  const descriptors = devicesOf(options, 'net').flatMap(({ peer }) => ('fd' in peer ? [peer.fd] : []));
  const unsigned = await becomeHypervisorNode(signedNodeDirectory(context.env), descriptors);
  if (unsigned) return refuse(context, [unsigned], EXIT.failure);
  const refused = await runMachine(options, {
    env: context.env,
    uid: context.uid,
    tell: (line) => tell(context, line),
    onSignals: (act) => void context.interrupts.listen(act, ['SIGHUP', 'SIGQUIT']),
  });
  return refuse(context, refused, EXIT.failure);
}

function refuse(context: Context, diagnostics: readonly Diagnostic[], code: ExitCode): ExitCode {
  const options = { color: context.stderr.color, relativeTo: context.cwd };
  context.stderr.stream.write(renderDiagnostics(diagnostics, new Map(), options));
  return code;
}
