import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ignoreErrno } from '../host/errno.ts';
import { bindProblem, portHolder } from '../host/ports.ts';
import { socketPair } from '../host/unix-sockets.ts';
import type { BoundHostPort } from '../network/api.ts';
import { probeByArp } from './arp-probe.ts';
import type { LinkName } from './link-name.ts';
import { StartFailure, type MachineFailure } from './failure.ts';
import { HELPER_FD, HelperProcess } from './helper-process.ts';
import { passtArguments, passtFeatures } from './passt-arguments.ts';
import type { MachineSpec, PasstSettings } from './spec.ts';

const READY_TIMEOUT_MS = 10_000;
const HELP_TIMEOUT_MS = 5000;

/** Starts the passt of an interface and waits until it carries frames. Throws {@link StartFailure}. */
export async function startPasst(
  spec: MachineSpec,
  {
    device,
    mac,
    settings,
  }: { readonly device: LinkName; readonly mac: string; readonly settings: PasstSettings },
): Promise<{ readonly fd: number; readonly helper: HelperProcess }> {
  const features = passtFeatures(await helpText(settings.program));
  const [fd, link] = socketPair('stream');
  const args = passtArguments(settings, features, { fd: HELPER_FD, resolvConf: resolvConf() });
  const command = [settings.program, ...args] as const;
  const helper = await HelperProcess.start(spec, { name: 'passt', device, command, link, announces: false });
  const [ip = ''] = settings.address.split('/');
  const answer = await probeByArp(fd, { mac, ip, target: settings.gateway }, READY_TIMEOUT_MS);
  if (answer === 'answered') return { fd, helper };
  helper.signal('SIGKILL');
  await helper.ended;
  throw new StartFailure(await passtFailure(helper.said(), answer === 'silent', settings.ports));
}

function helpText(program: string): Promise<string> {
  return new Promise((resolve) => {
    const options = { timeout: HELP_TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
    // Whatever is wrong with the program, its start tells; some print their help as an error.
    execFile(program, ['--help'], options, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

function resolvConf(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch (error) {
    ignoreErrno(error, 'ENOENT', 'EACCES');
    return '';
  }
}

async function passtFailure(
  said: string,
  isSilent: boolean,
  ports: readonly BoundHostPort[],
): Promise<MachineFailure> {
  const unbound = /Failed to bind/.test(said) ? await refusedPort(ports) : undefined;
  return unbound ?? explainPasst(said, isSilent);
}

/** passt 2023 does not say why; the system does. */
async function refusedPort(ports: readonly BoundHostPort[]): Promise<MachineFailure | undefined> {
  for (const { host, hostIp, protocol } of ports) {
    const problem = await bindProblem(host, protocol, hostIp);
    if (problem === undefined) continue;
    const where = `${hostIp ?? '0.0.0.0'}:${host} (${protocol})`;
    const holder = problem === 'in-use' ? await portHolder(host, protocol) : undefined;
    const by = holder === undefined ? '' : ` by ${holder.name} (process ${holder.pid})`;
    return { code: 'conflict', ...PORT_PROBLEMS[problem](where, by) };
  }
  return undefined;
}

type Told = Pick<MachineFailure, 'message' | 'hint'>;

const PORT_PROBLEMS = {
  'in-use': (where: string, by: string): Told => ({
    message: `passt cannot publish ${where}: it is in use${by}`,
    hint: 'stop that program or publish another port',
  }),
  'not-permitted': (where: string): Told => ({
    message: `passt cannot publish ${where}: this user may not use the port`,
    hint: 'publish a port above 1023, or lower net.ipv4.ip_unprivileged_port_start',
  }),
  'no-such-address': (where: string): Told => ({
    message: `passt cannot publish ${where}: the address is not one of this host`,
    hint: 'publish on an address of this host, such as 127.0.0.1',
  }),
} as const;

/** What its last words mean. */
export function explainPasst(said: string, isSilent: boolean): MachineFailure {
  const known = CAUSES.find(({ pattern }) => pattern.test(said));
  const last = said
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '' && !NOISE.test(line));
  const how = isSilent ? `did not answer within ${READY_TIMEOUT_MS / 1000} s` : 'ended at its start';
  const message = `passt ${how}${known ? `: ${known.cause}` : ''}${last === undefined ? '' : ` (${last})`}`;
  return {
    code: 'environment',
    message,
    hint: known?.hint ?? '`krun logs --helpers` shows what it printed',
  };
}

/** Said with every error, and of none. */
const NOISE = /^(Don't run as root|Started as root|Failed to send \d+ bytes to syslog)/;

const CAUSES = [
  {
    pattern: /Couldn't create user namespace|Failed to (?:create|detach).*namespace|unshare/i,
    cause: 'the system does not let it make a user namespace',
    hint: 'passt locks itself in: allow it (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns), or use another driver',
  },
  {
    pattern: /No external routable interface|External interface not usable|failed to get default interface/i,
    cause: 'the host has no network with a default route, which this version of passt needs',
    hint: 'connect the host to a network, or use passt 2024-11 or newer',
  },
  {
    pattern: /Failed to bind/,
    cause: 'it cannot publish a port',
    hint: 'publish another port, or stop the program that has it',
  },
  {
    pattern: /unrecognized option|Usage: /,
    cause: 'it does not know an option that krun uses',
    hint: 'use passt 2023-03 or newer',
  },
] as const;
