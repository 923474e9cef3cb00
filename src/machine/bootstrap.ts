import { AGENT_FUNCTIONS, CONTROL_FUNCTIONS } from './agent-script.ts';
import { networkFunctions, networkLines } from './bootstrap-network.ts';
import { portNumber, sessionCounts, terminalId, type BootstrapGuest } from './console-ports.ts';
import { GRANT_FUNCTIONS, grantLines } from './grant-script.ts';
import { environmentPrefix, exportLines } from './guest-environment.ts';
import { PORT_FUNCTIONS, portLines } from './port-script.ts';
import { quote } from '../base/shell.ts';
import { SETUP_FUNCTIONS } from './setup-script.ts';
import type { GuestFile, MachineSpec } from './spec.ts';
import { TERMINAL_FUNCTIONS } from './terminal-script.ts';
import { USER_FUNCTIONS } from './user-script.ts';

/**
 * The one line that travels on the kernel command line: finds the port by name and lets the shell read the script
 * from it. Shell builtins only, no double quotes, no newline. It looks until the port is there, because the kernel
 * learns the names of the ports while init already runs; a guest that never has it misses its boot deadline.
 */
export const LOADER: string = [
  'while :;do for p in ${KRUN_SYS:=/sys/class/virtio-ports}/*;do',
  ' { read n<$p/name;} 2>/dev/null;',
  '[ x$n = xkrun.script ]&&exec /bin/sh ${KRUN_DEV:=/dev}/${p##*/};',
  'done;done',
].join('');

/** The whole script for one run of a guest; POSIX, for dash, busybox ash and bash. */
export function bootstrapScript(
  guest: BootstrapGuest,
  shares: MachineSpec['shares'],
  { files = [], ttyMark = '' }: { readonly files?: readonly GuestFile[]; readonly ttyMark?: string } = {},
): string {
  return [
    SETUP_FUNCTIONS + AGENT_FUNCTIONS + CONTROL_FUNCTIONS + TERMINAL_FUNCTIONS + USER_FUNCTIONS,
    (files.length > 0 ? GRANT_FUNCTIONS : '') + networkFunctions(guest.network),
    ...(guest.ports ? [PORT_FUNCTIONS] : []),
    ...shellFunction('krun_environment', [':', ...exportLines(guest.environment)]),
    // In a subshell: whatever fails in it, the code is reported.
    ...shellFunction('krun_workload', [
      'krun_guard',
      // What the setup runs shall not read the command's input.
      ...(hasFeeder(guest) ? ['exec 7<&0'] : []),
      '(',
      ...setupLines(guest, shares, files),
      ...commandLines(guest),
      `) ${guest.idle ? '' : '</dev/null '}2>&5 5>&-`,
      ...(guest.tty ? ['krun_code=$?', `krun_settle ${terminalId('tty')} ${quote(ttyMark)}`] : []),
      ...(guest.idle ? ['krun_idle_code $?'] : []),
      `krun_exit ${guest.idle || guest.tty ? '"$krun_code"' : '$?'} chain${hasFeeder(guest) ? ' feeder' : ''}`,
    ]),
    ...shellFunction('krun_main', [
      'krun_guard',
      'krun_open',
      'krun_control &',
      `krun_first=${portNumber(guest, 'd0')} krun_slots=${sessionCounts(guest).slots}`,
      // A pipeline, because a shell without job control starts background commands with SIGINT ignored for good.
      ['krun_chain 0', ...feederLines(guest), 'krun_workload'].join(' | '),
    ]),
    // The shell has read everything when it comes here, so nothing depends on the port any more.
    'krun_main; exit',
    '',
  ].join('\n');
}

function shellFunction(name: string, lines: readonly string[]): readonly string[] {
  return [`${name}() {`, ...lines.map((line) => `  ${line}`), '}'];
}

function setupLines(
  guest: BootstrapGuest,
  shares: MachineSpec['shares'],
  files: readonly GuestFile[],
): readonly string[] {
  return [
    ...mountLines(guest, shares),
    `krun_hostname ${quote(guest.hostname)}`,
    ...networkLines(guest.network, guest.hostname),
    ...grantLines(files),
    ...portLines(guest),
  ];
}

/** Parents first, so that a share below another one's target is not hidden by it. */
function mountLines(guest: BootstrapGuest, shares: MachineSpec['shares']): readonly string[] {
  const depth = (target: string): number => target.split('/').filter((part) => part !== '').length;
  const mounts = guest.mounts.toSorted((left, right) => depth(left.target) - depth(right.target));
  return mounts.map((mount) => {
    const hasWindow = shares.some((share) => share.tag === mount.tag && share.daxBytes > 0);
    const options = [mount.readOnly ? 'ro' : 'rw', ...(hasWindow ? ['dax=always'] : [])].join(',');
    return `krun_mount ${quote(mount.tag)} ${quote(mount.target)} ${options}`;
  });
}

function commandLines(guest: BootstrapGuest): readonly string[] {
  if (guest.idle) return ['krun_idle'];
  const prefix = environmentPrefix(guest.environment);
  return [
    ...(guest.user === undefined ? [] : [`krun_user ${quote(guest.user)}`]),
    'krun_environment',
    `krun_cd ${quote(guest.workingDir)}`,
    `krun_find ${quote(guest.command[0] ?? '')}`,
    ...(prefix.length > 0 ? ['krun_need env'] : []),
    ...(guest.tty ? [`krun_own_terminal ${terminalId('tty')}`] : []),
    ...(hasFeeder(guest) ? ['krun_need dd', 'exec <&7 7<&-'] : []),
    `krun_run ${[...prefix, ...guest.command.map(quote)].join(' ')}`,
  ];
}

function hasFeeder(guest: BootstrapGuest): boolean {
  return guest.stdinOpen === true && !guest.tty && !guest.idle;
}

function feederLines(guest: BootstrapGuest): readonly string[] {
  return hasFeeder(guest) ? [`krun_keep_feeding ${portNumber(guest, 'stdin')}`] : [];
}
