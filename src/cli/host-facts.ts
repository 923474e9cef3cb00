import { existsSync, readFileSync } from 'node:fs';
import { ignoreErrno } from '../host/errno.ts';
import { findHelper, missingHelper } from '../host/helpers.ts';
import type { HelperFinding, HostFacts } from '../project/host-facts.ts';
import type { HelperName } from '../project/project.ts';

/** Below it, ports need rights of their own where the system does not say otherwise. */
const USUAL_FIRST_PORT = 1024;

const SOCKET_VMNET_PLACES = [
  '/var/run/socket_vmnet',
  '/opt/homebrew/var/run/socket_vmnet',
  '/usr/local/var/run/socket_vmnet',
];

/** What of this host decides which networks a project can have. */
export function hostFacts(environment: NodeJS.ProcessEnv): HostFacts {
  const finding = (name: HelperName): HelperFinding => {
    const search = findHelper(name, {}, environment);
    if (search?.kind === 'found') return { kind: 'found' };
    return { kind: search ? 'unusable' : 'missing', ...missingHelper(name, search) };
  };
  const socketVmnet =
    process.platform === 'darwin' ? SOCKET_VMNET_PLACES.find((path) => existsSync(path)) : undefined;
  return {
    platform: process.platform,
    helpers: {
      gvproxy: finding('gvproxy'),
      passt: finding('passt'),
      'vmnet-helper': finding('vmnet-helper'),
    },
    firstOpenPort: firstOpenPort(),
    ...(socketVmnet === undefined ? {} : { socketVmnet }),
  };
}

function firstOpenPort(): number {
  if (process.getuid?.() === 0) return 0;
  if (process.platform !== 'linux') return USUAL_FIRST_PORT;
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'), 10);
  } catch (error) {
    ignoreErrno(error, 'ENOENT', 'EACCES');
    return USUAL_FIRST_PORT;
  }
}
