import { ownNode } from '../../host/hypervisor-node.ts';
import { checkSignedNode, type NodeSource, type SignedNode } from '../../host/signed-node.ts';
import { signingHost } from '../../host/signing-host.ts';
import type { Check } from './check.ts';
import { firstLine, runProgram, type ProgramResult } from '../../host/run-program.ts';

const ID = 'signed-node';
const FIX = 'run `krun doctor --fix`, or start a machine: krun then makes the copy itself';

/** The copy of node that macOS lets make virtual machines: whether it is there, and whether macOS does let it. */
export async function checkNodeCopy(directory: string, self: readonly string[]): Promise<readonly Check[]> {
  const source = ownNode();
  const found = await checkSignedNode(source, directory, signingHost);
  if (found.kind !== 'ready') return [nodeCopyCheck(found, source)];
  const words = [...self.slice(1), 'probe-hypervisor'];
  return [nodeCopyCheck(found, source), hypervisorAnswerCheck(await runProgram(found.program, words))];
}

export function nodeCopyCheck(found: SignedNode, source: NodeSource): Check {
  switch (found.kind) {
    case 'ready':
      return { id: ID, status: 'ok', detail: `${found.program} is a signed copy of ${source.path}` };
    case 'missing':
      // The first start of a machine makes it.
      return {
        id: ID,
        status: 'warning',
        detail: `there is no signed copy of ${source.path} yet`,
        hint: FIX,
      };
    case 'stale':
      return {
        id: ID,
        status: 'warning',
        detail: `the signed copy of node is out of date: ${found.reason}`,
        hint: FIX,
      };
    case 'invalid':
      return {
        id: ID,
        status: 'failed',
        detail: `the signature of the copy does not hold: ${found.reason}`,
        hint: FIX,
      };
    case 'not-entitled':
      return {
        id: ID,
        status: 'failed',
        detail: 'the signed copy of node does not carry com.apple.security.hypervisor',
        hint: FIX,
      };
    case 'failed':
      return {
        id: ID,
        status: 'failed',
        detail: `node cannot be signed: ${found.reason}`,
        hint: 'codesign is part of macOS; its tools come with xcode-select --install',
      };
  }
}

/** What Hypervisor.framework says to the copy. */
export function hypervisorAnswerCheck(result: ProgramResult): Check {
  const id = 'hv-vm-create';
  if (result.kind !== 'ended' || result.code !== 0) {
    const why =
      result.kind === 'ended'
        ? firstLine(result.stderr)
        : result.kind === 'killed'
          ? `ended by ${result.signal}`
          : result.code;
    const hint = 'macOS ends programs whose signature does not hold with SIGKILL: run `krun doctor --fix`';
    return { id, status: 'failed', detail: `the signed copy of node does not run: ${why}`, hint };
  }
  const answer = result.stdout.trim();
  if (answer === 'ok') return { id, status: 'ok', detail: 'a virtual machine can be made' };
  const hint = HINTS[answer];
  return {
    id,
    status: 'failed',
    detail: `Hypervisor.framework refuses a virtual machine: ${answer}`,
    ...(hint === undefined ? {} : { hint }),
  };
}

const HINTS: Readonly<Record<string, string>> = {
  HV_DENIED: 'the entitlement does not count: remove the copy and run `krun doctor --fix`',
  HV_NO_RESOURCES:
    'other virtual machines have all address spaces (sysctl kern.hv.max_address_spaces): end some of them',
  HV_UNSUPPORTED: 'in a virtual machine, enable nested virtualization (M3 or newer, macOS 15 or newer)',
};
