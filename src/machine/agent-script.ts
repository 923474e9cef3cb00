/*
 * The part of the guest's script that serves sessions. POSIX, for dash, busybox ash and bash: dash allows redirections
 * of the descriptors 0 to 9 only.
 *
 *   3  the session's port: framed input, and standard output     6  krun.events
 *   4  krun.status                                               7  the session's terminal
 *   5  the command's standard error                              8  the session's other port: standard error
 *
 * A port may be opened once in a guest's life. So each slot has a process that opens its ports, and serves one session
 * after the other; and since what a shell starts with `&` ignores SIGINT for good, and all of its children, that
 * process is not started so. It is the left end of a pipeline whose right end is the process of the next slot, which
 * comes to life with the first session of the slot before it.
 */
export const AGENT_FUNCTIONS: string = `
# Signals that a workload sends to every process must not end the agent; a signal that is caught is reset in children.
krun_guard() { trap : HUP INT TERM USR1 USR2; }
# Not $$, which is the first shell's in all of its children.
krun_self() { read -r krun_pid krun_x </proc/self/stat; }

krun_chain() {
  krun_guard
  exec </dev/null 3>&- 4>&- 5>&- 8>&-
  krun_k=$1
  [ "$krun_k" != 0 ] || { krun_self; echo "$krun_pid" >"$krun_dev/krun.chain"; }
  krun_d=$((krun_first + 2 * krun_k))
  krun_wait "$krun_d"
  krun_wait "$((krun_d + 1))"
  exec 3<>"$krun_ports$krun_d" 8>"$krun_ports$((krun_d + 1))"
  krun_frame || exit
  if [ "$((krun_k + 1))" -lt "$krun_slots" ]; then krun_serve | krun_chain "$((krun_k + 1))"
  else ( krun_serve ); fi
}
krun_serve() {
  krun_guard
  exec >/dev/null
  krun_slot=$krun_dev/krun.s$krun_k
  while :; do
    krun_session
    krun_frame || exit
  done
}
# A header line, and the script that it announces.
krun_frame() {
  read -r krun_n krun_serial krun_mark krun_mode krun_rest <&3 || return 1
  if [ "$krun_n" -gt 4096 ] && krun_can_dd; then
    krun_script=$(krun_dd "$krun_n")
    return
  fi
  krun_script=
  while IFS= read -r krun_l <&3; do
    [ "$krun_l" != "# $krun_mark" ] || return 0
    krun_script="$krun_script$krun_l
"
  done
  return 1
}
# Whether there is a dd, and one that reads on until it has as much as it was told.
krun_can_dd() {
  [ -z "$krun_dd" ] || return 0
  read -r krun_dd <"$krun_dev/krun.dd" && return
  command -v dd >/dev/null || return 1
  krun_dd=slow
  if dd bs=1 count=1 iflag=fullblock </dev/null >/dev/null; then krun_dd=fast; fi
  echo "$krun_dd" >"$krun_dev/krun.dd"
}
krun_dd() {
  case $krun_dd in
  fast) dd bs="$1" count=1 iflag=fullblock <&3 2>/dev/null ;;
  # It would stop in the middle where nobody reads any more; the second cat reads all.
  *) dd bs=1 count="$1" <&3 2>/dev/null | { cat; cat >/dev/null; } ;;
  esac
}
krun_session() {
  echo "$krun_serial" >"$krun_slot"
  case $krun_mode in
  input) krun_can_dd; krun_feed | krun_cat feed | krun_streams ;;
  terminal) krun_terminal $krun_rest ;;
  *) krun_streams ;;
  esac
  printf %s "$krun_mark" >&3
  printf %s "$krun_mark" >&8
}
# Input as it comes; what follows after the command has ended, or has closed it, is read and dropped. Between it and the
# command is a cat, which can be ended without a dd being ended that has read a part.
krun_feed() {
  krun_live=1
  while read -r krun_n <&3 && [ "$krun_n" != 0 ]; do
    if [ "$krun_live" ]; then krun_dd "$krun_n" || krun_live=
    else krun_dd "$krun_n" >/dev/null; fi
  done
}
# Both outputs pass through a cat, which is ended where a daemon that the command leaves behind keeps it.
krun_streams() {
  {
    { exec 2>&1 >&9 9>&-; krun_command; } | { exec >&8 9>&-; krun_cat cat; }
  } 9>&1 | { exec >&3; krun_cat cat; }
}
krun_cat() {
  krun_self
  echo "$1 $krun_pid" >>"$krun_slot"
  exec cat 3>&- 6>&- 8>&-
}
krun_command() {
  krun_guard
  ( eval "$krun_script" )
  echo "exit $krun_serial $?" >&6
}
# The last line of a session's script.
krun_exec() {
  krun_self
  echo "command $krun_pid" >>"$krun_slot"
  echo "started $krun_serial" >&6
  exec 3>&- 6>&- 8>&-
  krun_launch "$@"
}
`;

/** The part that acts on lines of krun.control, in a process of its own; nothing in it may wait for a session. */
export const CONTROL_FUNCTIONS: string = `
krun_control() {
  krun_wait 1
  exec 4>&- 5>&- <"\${krun_ports}1"
  while read -r krun_verb krun_a krun_b krun_c; do
    case $krun_verb in
    signal)
      until read -r krun_pid <"$krun_dev/krun.pid"; do :; done
      krun_group "$krun_a" "$krun_pid" ;;
    end)
      echo "$krun_a" >"$krun_dev/krun.code"
      until read -r krun_pid <"$krun_dev/krun.pid"; do :; done
      krun_group TERM "$krun_pid" ;;
    kill) krun_of "$krun_a" "$krun_b" && krun_group "$krun_c" "$krun_p" ;;
    cats) krun_of "$krun_a" "$krun_b" && krun_end_cats ;;
    size) read -r krun_hvc <"$krun_dev/krun.t$krun_a" && stty rows "$krun_b" cols "$krun_c" <"$krun_hvc" ;;
    clock) krun_clock "$krun_a" ;;
    esac
  done
}
# Not "-s NAME --": busybox delivers that too, but then fails for the "--".
krun_group() { kill "-$1" "-$2" || kill "-$1" "$2"; }
# The processes of a slot's session, as long as it is the one that is meant.
krun_of() {
  krun_cats= krun_p= krun_f=
  {
    read -r krun_l && [ "$krun_l" = "$2" ] || return 1
    while read -r krun_l krun_v; do
      case $krun_l in
      command) krun_p=$krun_v ;;
      feed) krun_f=$krun_v ;;
      cat) krun_cats="$krun_cats $krun_v" ;;
      esac
    done
  } <"$krun_dev/krun.s$1"
}
# Ends what a process that the command left behind keeps from its end; never a cat that has something to write.
krun_end_cats() {
  [ -z "$krun_f" ] || kill -KILL "$krun_f"
  for krun_v in $krun_cats; do
    if krun_is_idle "$krun_v"; then kill -KILL "$krun_v"; fi
  done
}
krun_is_idle() {
  read -r krun_l <"/proc/$1/stat" || return 1
  case \${krun_l##*) } in S*) ;; *) return 1 ;; esac
  krun_l=
  read -r krun_l <"/proc/$1/wchan"
  case $krun_l in *write*) return 1 ;; esac
}
krun_clock() {
  krun_n=$(date +%s) || { echo 'missing date' >&6; return; }
  krun_n=$((krun_n - $1))
  [ "$krun_n" -lt -1 ] || [ "$krun_n" -gt 1 ] || return
  date -s "@$1" >/dev/null && echo "clock $krun_n" >&6
}
`;
