/** Version of docs/guest-protocol.md, reported by the script's first line. */
const GUEST_PROTOCOL = 2;

/** The part of the guest's script that sets the guest up, runs the machine's command and reports. */
export const SETUP_FUNCTIONS: string = `# krun guest agent; see docs/guest-protocol.md
krun_sys=\${KRUN_SYS:-/sys/class/virtio-ports}
krun_dev=\${KRUN_DEV:-/dev}
krun_hostname_file=\${KRUN_HOSTNAME_FILE:-/proc/sys/kernel/hostname}
krun_run=\${KRUN_RUN:-/dev}
krun_etc=\${KRUN_ETC:-/etc}
krun_devices=\${KRUN_DEVICES:-/proc/net/dev}
export PATH="\${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
unset KRUN_SYS KRUN_DEV KRUN_HOSTNAME_FILE KRUN_RUN KRUN_ETC KRUN_DEVICES KRUN_INIT KRUN_WORKDIR KRUN_RLIMITS KRUN_CONFIG KRUN_DHCP
unset KRUN_BLOCK_ROOT_DEVICE KRUN_BLOCK_ROOT_FSTYPE KRUN_BLOCK_ROOT_OPTIONS
krun_as= krun_serial= krun_dd=

krun_port() {
  for krun_p in "$krun_sys"/*; do
    read -r krun_n <"$krun_p/name" && [ "$krun_n" = "$1" ] && { krun_found="$krun_dev/\${krun_p##*/}"; return; }
  done
  return 1
}
# A port can be used when it has its name; the kernel learns them one after the other while this runs.
krun_wait() {
  until read -r krun_n <"$krun_sys/$krun_vport$1/name" && [ "$krun_n" ]; do :; done
} 2>/dev/null
krun_open() {
  until krun_port krun.status; do :; done 2>/dev/null
  exec 4>>"$krun_found"
  echo 'krun ${GUEST_PROTOCOL}' >&4
  krun_ports=\${krun_found%p*}p
  krun_vport=\${krun_ports##*/}
  krun_wait 3
  # The shell's own remarks ("Killed") are not the workload's output.
  exec 6>"\${krun_ports}3" 5>&2 2>/dev/null
  krun_setsid=$(command -v setsid)
}
krun_fail() {
  krun_code=$1; shift
  set -f
  krun_text=$(set -- $*; printf '%s' "$*")
  if [ "$krun_serial" ]; then printf 'error %s %s\\n' "$krun_serial" "$krun_text" >&6
  else printf 'error %s\\n' "$krun_text" >&4; fi
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
  krun_self
  echo "$krun_pid" >"$krun_dev/krun.pid"
  echo ready >&4
  exec 4>&- 6>&-
  krun_launch "$@"
}
# A machine without a command: it waits for the other end of its input, which ends with the agent.
krun_idle() {
  krun_self
  echo "$krun_pid" >"$krun_dev/krun.pid"
  echo ready >&4
  read -r krun_l
}
# That of the session which ended it; 0 where it was stopped, which is all that it waits for.
krun_idle_code() {
  krun_code=0
  [ "$1" != 125 ] || krun_code=125
  [ ! -e "$krun_dev/krun.code" ] || read -r krun_code <"$krun_dev/krun.code"
}
# Input of the machine's own command, for as long as it runs.
krun_keep_feeding() {
  krun_guard
  exec </dev/null 4>&- 5>&-
  krun_self
  echo "$krun_pid" >"$krun_dev/krun.feeder"
  krun_wait "$1"
  exec 3<"$krun_ports$1"
  krun_can_dd
  while :; do krun_feed; done
}
# Ends the machine with a code, and before that the processes that this shell would wait for.
krun_exit() {
  command -v sync >/dev/null && sync
  echo "exit $1" >&4
  krun_code=$1; shift
  for krun_p; do
    until read -r krun_pid <"$krun_dev/krun.$krun_p"; do :; done
    kill -KILL "$krun_pid"
  done 2>/dev/null
  exit "$krun_code"
}
`;
