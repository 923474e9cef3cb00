import { networkFunctions, networkLines } from './bootstrap-network.ts';
import { quote } from './quote.ts';
import type { GuestSpec, MachineSpec } from './spec.ts';

/** Version of docs/guest-protocol.md, reported by the script's first line. */
export const GUEST_PROTOCOL = 1;

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

type BootstrapGuest = Extract<GuestSpec, { readonly kind: 'bootstrap' }>;

/** The whole script for one run of a guest; POSIX, for dash, busybox ash and bash. */
export function bootstrapScript(guest: BootstrapGuest, shares: MachineSpec['shares']): string {
  return [
    FUNCTIONS + networkFunctions(guest.network),
    'krun_main() {',
    ...body(guest, shares).map((line) => `  ${line}`),
    '}',
    // The shell has read everything when it comes here, so nothing depends on the port any more.
    'krun_main',
    '',
  ].join('\n');
}

function body(guest: BootstrapGuest, shares: MachineSpec['shares']): readonly string[] {
  return [
    'krun_open',
    'krun_control &',
    // In the foreground: a shell without job control starts background commands with SIGINT and SIGQUIT ignored for
    // good. In a subshell: whatever fails in it, the code is reported below.
    '(',
    ...mountLines(guest, shares),
    `krun_hostname ${quote(guest.hostname)}`,
    ...networkLines(guest.network, guest.hostname),
    `krun_cd ${quote(guest.workingDir)}`,
    ...runLines(guest),
    ') </dev/null 2>&5 5>&-',
    'krun_exit $?',
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

function runLines(guest: BootstrapGuest): readonly string[] {
  const variables = Object.entries(guest.environment);
  const isPlain = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !SHELL_OWN.has(name);
  const exports = variables.filter(([name]) => isPlain(name));
  const others = variables.filter(([name]) => !isPlain(name));
  const prefix = others.map(([name, value]) => quote(`${name}=${value}`));
  const words = [...(prefix.length > 0 ? ['env', ...prefix] : []), ...guest.command.map(quote)];
  return [
    ...exports.map(([name, value]) => `export ${name}=${quote(value)}`),
    `krun_find ${quote(guest.command[0] ?? '')}`,
    ...(prefix.length > 0 ? ['krun_need env'] : []),
    `krun_run ${words.join(' ')}`,
  ];
}

/** Variables that bash will not let a script set, and the one that would change how the script itself is read. */
const SHELL_OWN = new Set(['UID', 'EUID', 'PPID', 'BASHOPTS', 'BASH_VERSINFO', 'SHELLOPTS', 'IFS']);

const FUNCTIONS = `# krun guest bootstrap; see docs/guest-protocol.md
krun_sys=\${KRUN_SYS:-/sys/class/virtio-ports}
krun_dev=\${KRUN_DEV:-/dev}
krun_hostname_file=\${KRUN_HOSTNAME_FILE:-/proc/sys/kernel/hostname}
krun_run=\${KRUN_RUN:-/dev}
krun_etc=\${KRUN_ETC:-/etc}
krun_devices=\${KRUN_DEVICES:-/proc/net/dev}
export PATH="\${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
unset KRUN_SYS KRUN_DEV KRUN_HOSTNAME_FILE KRUN_RUN KRUN_ETC KRUN_DEVICES KRUN_INIT KRUN_WORKDIR KRUN_RLIMITS KRUN_CONFIG KRUN_DHCP
unset KRUN_BLOCK_ROOT_DEVICE KRUN_BLOCK_ROOT_FSTYPE KRUN_BLOCK_ROOT_OPTIONS
# A workload that signals every process must not end the reporter; a signal that is caught is reset in children.
trap : HUP INT TERM USR1 USR2

krun_port() {
  for krun_p in "$krun_sys"/*; do
    read -r krun_n <"$krun_p/name" && [ "$krun_n" = "$1" ] && { krun_found="$krun_dev/\${krun_p##*/}"; return; }
  done
  return 1
}
krun_open() {
  until krun_port krun.status; do :; done 2>/dev/null
  exec 4>>"$krun_found"
  echo 'krun ${GUEST_PROTOCOL}' >&4
  # The shell's own remarks ("Killed") are not the workload's output.
  exec 5>&2 2>/dev/null
}
krun_fail() {
  krun_code=$1; shift
  set -f
  printf 'error %s\\n' "$(set -- $*; printf '%s' "$*")" >&4
  exit "$krun_code"
}
krun_need() {
  command -v "$1" >/dev/null || krun_fail 125 "the guest has no $1"
}
krun_mount() {
  krun_need mkdir; krun_need mount
  krun_out=$(mkdir -p "$2" 2>&1) || krun_fail 125 "cannot make the directory $2: $krun_out"
  krun_out=$(mount -t virtiofs -o "$3" "$1" "$2" 2>&1) || krun_fail 125 "cannot mount share $1 at $2: $krun_out"
}
krun_hostname() {
  { echo "$1" >"$krun_hostname_file"; } 2>/dev/null || krun_fail 125 "cannot set the hostname to $1"
}
krun_cd() {
  [ -d "$1" ] || krun_fail 125 "working_dir $1 is not a directory in the guest"
  cd "$1" || krun_fail 125 "cannot enter working_dir $1"
  unset OLDPWD
}
krun_find() {
  case $1 in
  */*)
    [ -e "$1" ] || krun_fail 127 "command not found: $1"
    { [ -f "$1" ] && [ -x "$1" ]; } || krun_fail 126 "not executable: $1"
    return ;;
  esac
  IFS=:
  for krun_p in $PATH; do
    [ -f "\${krun_p:-.}/$1" ] && [ -x "\${krun_p:-.}/$1" ] && { unset IFS; return; }
  done
  unset IFS
  krun_fail 127 "command not found in PATH ($PATH): $1"
}
krun_run() {
  krun_setsid=
  command -v setsid >/dev/null && krun_setsid=setsid
  exec $krun_setsid /bin/sh -c 'echo $$ >"$0" && echo ready >&4 && exec "$@" 4>&-' "$krun_dev/krun.pid" "$@"
}
krun_control() {
  until krun_port krun.control; do :; done 2>/dev/null
  exec 4>&- 5>&-
  while read -r krun_verb krun_name; do
    [ "$krun_verb" = signal ] || continue
    until read -r krun_pid <"$krun_dev/krun.pid"; do :; done 2>/dev/null
    # Not "-s NAME --": busybox delivers that too, but then fails for the "--".
    kill "-$krun_name" "-$krun_pid" 2>/dev/null || kill "-$krun_name" "$krun_pid"
  done <"$krun_found"
}
krun_exit() {
  command -v sync >/dev/null && sync
  echo "exit $1" >&4
  exit "$1"
}
`;
