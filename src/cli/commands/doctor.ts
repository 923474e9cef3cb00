import { doctorText } from '../../view/doctor.ts';
import { createPaint } from '../../view/style.ts';
import { libraryCacheDirectory, signedNodeDirectory } from '../../store/layout.ts';
import { type Context, print, tell, tellError } from '../context.ts';
import type { Check, DoctorHost } from '../doctor/check.ts';
import { checkDiskTools } from '../doctor/disk-tools.ts';
import { checkLibraries } from '../doctor/libraries.ts';
import { type NetworkNeeds, networkNeeds } from '../doctor/network-needs.ts';
import { checkNetworkHelpers } from '../doctor/network-helpers.ts';
import { checkNodeCopy } from '../doctor/signed-node.ts';
import { checkTun } from '../doctor/tun.ts';
import { checkUserNamespaces } from '../doctor/user-namespaces.ts';
import { checkDataDirectory, checkNode, checkRuntimeDirectory } from '../doctor/surroundings.ts';
import { checkVirtualization } from '../doctor/virtualization.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface DoctorArgs {
  readonly fix?: boolean;
  readonly format: 'text' | 'json';
}

/** `krun doctor`: 0 when machines can run here, those of the project where there is one; 1 otherwise. */
export async function run(context: Context, args: DoctorArgs): Promise<ExitCode> {
  const host: DoctorHost = {
    platform: context.platform,
    arch: process.arch,
    nodeVersion: process.versions.node,
    env: context.env,
  };
  const needs = await networkNeeds(context);
  let checks = await allChecks(context, host, needs);
  if (args.fix) {
    const fixed = [await fixLibraries(context, checks), await fixNode(context)];
    if (fixed.includes(true)) checks = await allChecks(context, host, needs);
  }
  const healthy = !checks.some((check) => check.status === 'failed');
  if (args.format === 'json') print(context, JSON.stringify({ ok: healthy, checks }, undefined, 2));
  else print(context, doctorText(checks, createPaint(context.stdout.color)));
  return healthy ? EXIT.ok : EXIT.failure;
}

async function allChecks(context: Context, host: DoctorHost, needs: NetworkNeeds): Promise<readonly Check[]> {
  const [libraries, machine, directories, networks, tools] = await Promise.all([
    checkLibraries(host, context.self, {}),
    checkHypervisor(context, host),
    Promise.all([checkRuntimeDirectory(host, context.uid), checkDataDirectory(host)]),
    checkNetworks(context, host, needs),
    checkDiskTools(host),
  ]);
  return [checkNode(host.nodeVersion), ...libraries, ...machine, ...directories, ...networks, ...tools];
}

/** What networks need, beyond what is needed everywhere. */
async function checkNetworks(
  context: Context,
  host: DoctorHost,
  needs: NetworkNeeds,
): Promise<readonly Check[]> {
  const helpers = await checkNetworkHelpers(host, needs);
  if (host.platform !== 'linux') return helpers;
  const passt = helpers.some(({ id, status }) => id === 'passt' && status === 'ok');
  return [
    ...helpers,
    ...(passt ? [await checkUserNamespaces(host, needs)] : []),
    await checkTun(context.uid, needs),
  ];
}

async function checkHypervisor(context: Context, host: DoctorHost): Promise<readonly Check[]> {
  const virtualization = checkVirtualization(host);
  if (host.platform !== 'darwin') return [await virtualization];
  return [await virtualization, ...(await checkNodeCopy(signedNodeDirectory(context.env), context.self))];
}

/** Signs a copy of node where macOS wants one; says whether anything has changed. */
async function fixNode(context: Context): Promise<boolean> {
  if (context.platform !== 'darwin') return false;
  const [{ nodeForMachines, ownNode }, { signingHost }] = await Promise.all([
    import('../../host/hypervisor-node.ts'),
    import('../../host/signing-host.ts'),
  ]);
  const made = await nodeForMachines(ownNode(), signedNodeDirectory(context.env), signingHost);
  if (made.ok) tell(context, `signed copy of node: ${made.value}`);
  else tellError(context, made.error.message, made.error.hint);
  return made.ok;
}

/** Installs what is missing; says whether anything has changed. */
async function fixLibraries(context: Context, checks: readonly Check[]): Promise<boolean> {
  const libraries = (['libkrun', 'libkrunfw'] as const).filter((library) =>
    checks.some((check) => check.id === library && check.status === 'failed'),
  );
  if (libraries.length === 0) return false;
  const { installRuntime } = await import('../../machine/runtime-install.ts');
  const result = await installRuntime({
    directory: libraryCacheDirectory(context.env),
    platform: { os: context.platform, arch: process.arch },
    libraries,
    onProgress: (line) => tell(context, line),
  });
  if (result.ok) return true;
  for (const { message, hint } of result.error) tellError(context, message, hint);
  return false;
}
