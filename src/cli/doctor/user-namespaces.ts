import { readFile } from 'node:fs/promises';
import { unlessMissing } from '../../host/errno.ts';
import type { Check, DoctorHost } from './check.ts';
import { type NetworkNeeds, networksWith } from './network-needs.ts';
import { firstLine, type ProgramResult, runProgram } from '../../host/run-program.ts';

/** passt locks itself into namespaces of its own and ends where it may not make them. */
export async function checkUserNamespaces(host: DoctorHost, needs: NetworkNeeds): Promise<Check> {
  const read = async (name: string): Promise<string | undefined> =>
    (await unlessMissing(readFile(`/proc/sys/${name}`, 'utf8')))?.trim();
  return userNamespaceCheck({
    isNeeded: networksWith(needs, 'passt').length > 0,
    most: await read('user/max_user_namespaces'),
    unprivileged: await read('kernel/unprivileged_userns_clone'),
    appArmor: await read('kernel/apparmor_restrict_unprivileged_userns'),
    attempt: await runProgram('unshare', ['--user', 'true'], { env: host.env }),
  });
}

export interface UserNamespaceFacts {
  readonly isNeeded: boolean;
  /** `user.max_user_namespaces`; absent in kernels without user namespaces. */
  readonly most: string | undefined;
  /** `kernel.unprivileged_userns_clone` of Debian's kernels. */
  readonly unprivileged: string | undefined;
  /** `kernel.apparmor_restrict_unprivileged_userns`: only programs with a profile may. */
  readonly appArmor: string | undefined;
  /** `unshare --user true`. */
  readonly attempt: ProgramResult;
}

export function userNamespaceCheck(facts: UserNamespaceFacts): Check {
  const { isNeeded, most, unprivileged, appArmor, attempt } = facts;
  const id = 'user-namespaces';
  if (attempt.kind === 'ended' && attempt.code === 0) {
    return { id, status: 'ok', detail: 'programs may make user namespaces; passt does' };
  }
  // Without unshare(1) nobody tried; the settings still tell.
  const refused = attempt.kind === 'ended' ? firstLine(attempt.stderr) : undefined;
  if (most === undefined || most === '0') {
    return {
      id,
      status: isNeeded ? 'failed' : 'warning',
      detail: 'the kernel allows no user namespaces, and passt needs one',
      hint: 'Allow them: sudo sysctl user.max_user_namespaces=15000',
    };
  }
  if (unprivileged === '0' && refused !== undefined) {
    return {
      id,
      status: isNeeded ? 'failed' : 'warning',
      detail: 'only root may make user namespaces, and passt needs one',
      hint: 'Allow them: sudo sysctl kernel.unprivileged_userns_clone=1',
    };
  }
  if (refused === undefined)
    return { id, status: 'ok', detail: 'the kernel has user namespaces; passt makes one' };
  if (appArmor === '1') {
    return {
      id,
      status: 'warning',
      detail: 'AppArmor lets only programs with a profile make user namespaces; passt needs one',
      hint: "The distribution's package of passt has a profile; a passt of your own needs one in /etc/apparmor.d",
    };
  }
  return {
    id,
    status: isNeeded ? 'failed' : 'warning',
    detail: `user namespaces are refused (${refused}), and passt needs one`,
    hint: 'In a container, allow unshare(2): --security-opt seccomp=unconfined, or use the driver gvproxy',
  };
}
