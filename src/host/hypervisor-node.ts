import { existsSync, realpathSync } from 'node:fs';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { makeSignedNode, type NodeSource, type SignedNode, type SigningHost } from './signed-node.ts';

/** The node that runs this process. */
export function ownNode(): NodeSource {
  const { execPath } = process;
  // An upgrade may have taken it away meanwhile.
  return { path: existsSync(execPath) ? realpathSync(execPath) : execPath, version: process.versions.node };
}

/**
 * The node that may make virtual machines: this one, except on macOS, where only a program with an entitlement may, so
 * that it is a signed copy in `directory`. Made and verified once a process; a failure is tried again at the next call.
 */
export class HypervisorNode {
  readonly #directory: string;
  #made: Promise<Result<string, Diagnostic>> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  program(): Promise<Result<string, Diagnostic>> {
    if (process.platform !== 'darwin') return Promise.resolve(ok(process.execPath));
    this.#made ??= this.#make();
    return this.#made;
  }

  async #make(): Promise<Result<string, Diagnostic>> {
    const { signingHost } = await import('./signing-host.ts');
    const made = await nodeForMachines(ownNode(), this.#directory, signingHost);
    if (!made.ok) this.#made = undefined;
    return made;
  }
}

/**
 * Goes on as the node that may make virtual machines, from the start of the same command line, where this process is
 * another one (macOS). The descriptors stay open. Returns where it is that node already, or with the reason why it cannot
 * become it.
 */
export async function becomeHypervisorNode(
  directory: string,
  descriptors: readonly number[],
): Promise<Diagnostic | undefined> {
  if (process.platform !== 'darwin') return undefined;
  const { path: own } = ownNode();
  // The copy is made of the user's node alone, never of a copy.
  if (own.startsWith(`${existsSync(directory) ? realpathSync(directory) : directory}/`)) return undefined;
  const node = await new HypervisorNode(directory).program();
  if (!node.ok) return node.error;
  const { replaceProcess } = await import('./replace-process.ts');
  const errno = replaceProcess(node.value, [...process.execArgv, ...process.argv.slice(1)], descriptors);
  return errorDiagnostic('environment', `${node.value} cannot be started: errno ${errno}`, {
    hint: 'run `krun doctor --fix`',
  });
}

/** The signed copy of a node, or why there is none. */
export async function nodeForMachines(
  source: NodeSource,
  directory: string,
  host: SigningHost,
): Promise<Result<string, Diagnostic>> {
  const made = await makeSignedNode(source, directory, host);
  return made.kind === 'ready' ? ok(made.program) : err(signingProblem(made, source));
}

/** Why no copy of a node may make virtual machines. */
export function signingProblem(node: Exclude<SignedNode, { kind: 'ready' }>, source: NodeSource): Diagnostic {
  const reason =
    'reason' in node
      ? node.reason
      : node.kind === 'missing'
        ? 'there is none'
        : 'codesign left out the entitlement';
  return errorDiagnostic('environment', `no copy of ${source.path} may make virtual machines: ${reason}`, {
    hint: 'run `krun doctor --fix`; codesign comes with macOS, its tools with xcode-select --install',
  });
}
