import type { Check } from './check.ts';
import { runProgram } from './run-program.ts';

const ENTITLEMENT = 'com.apple.security.hypervisor';

/** macOS lets only programs that carry this entitlement make virtual machines. */
export async function checkEntitlement(program: string): Promise<Check> {
  const result = await runProgram('codesign', ['-d', '--entitlements', '-', '--xml', program]);
  if (result.kind !== 'ended') {
    const hint = 'Install the command line tools: xcode-select --install';
    return { id: 'entitlement', status: 'failed', detail: 'codesign does not run', hint };
  }
  return entitlementCheck(program, result.stdout);
}

export function entitlementCheck(program: string, entitlements: string): Check {
  if (
    new RegExp(`<key>${ENTITLEMENT.replaceAll('.', String.raw`\.`)}</key>\\s*<true\\s*/>`).test(entitlements)
  ) {
    return { id: 'entitlement', status: 'ok', detail: `${program} carries ${ENTITLEMENT}` };
  }
  return {
    id: 'entitlement',
    status: 'failed',
    detail: `${program} does not carry ${ENTITLEMENT}`,
    hint: `Sign a copy of node with that entitlement (codesign --entitlements FILE -s - NODE) and run krun with it`,
  };
}
