/** The part of the guest's script that gives a terminal to a session, or to the machine's own command. */
export const TERMINAL_FUNCTIONS: string = `
# Finds the /dev/hvc* of the terminal that has so many rows and columns, as long as nobody has used it.
krun_find_terminal() {
  read -r krun_hvc <"$krun_dev/krun.t$1" && return
  krun_text='the guest has no stty, which a terminal needs'
  command -v stty >/dev/null || return 1
  # The kernel sets the size some time after the first opening.
  krun_n=0
  while [ "$krun_n" -lt 100 ]; do
    for krun_hvc in "$krun_dev"/hvc*; do
      krun_l=$(stty size <"$krun_hvc") && [ "$krun_l" = "$1 $1" ] || continue
      echo "$krun_hvc" >"$krun_dev/krun.t$1"
      return
    done
    krun_n=$((krun_n + 1))
  done
  krun_text='the guest has no such terminal'
  return 1
} 2>/dev/null
# Without a controlling terminal, no key reaches a command as a signal.
krun_control_terminal() {
  case $("\${krun_setsid:-false}" --help 2>&1) in
  *-c*) krun_setsid="$krun_setsid -c" ;;
  *) echo 'krun: the guest has no setsid with the option -c: no job control, and no Ctrl-C, in this terminal' ;;
  esac
}
krun_terminal() {
  krun_find_terminal "$1" || {
    echo "error $krun_serial $krun_text" >&6
    echo "exit $krun_serial 125" >&6
    return
  }
  exec 7<>"$krun_hvc"
  stty -echo -isig -icanon -ixon -opost min 1 time 0 <&7
  echo "terminal $krun_serial" >&6
  # What was typed for an earlier session ends here.
  while IFS= read -r krun_l <&7; do
    case $krun_l in *"$krun_mark") break ;; esac
  done
  stty sane rows "$2" cols "$3" <&7
  printf %s "$krun_mark" >&7
  ( exec <&7 >&7 2>&7 7>&-; krun_control_terminal; krun_command )
  exec 7>&-
  printf %s "$krun_mark" >"$krun_hvc"
}
# Waits until the host has all output of a terminal: libkrun ends it with the guest.
krun_settle() {
  read -r krun_hvc <"$krun_dev/krun.t$1" || return
  stty -echo -isig -icanon -ixon -opost min 1 time 0 <"$krun_hvc"
  printf %s "$2" >"$krun_hvc"
  while IFS= read -r krun_l; do
    case $krun_l in *"$2") return ;; esac
  done <"$krun_hvc"
} 2>/dev/null
# For the machine's own command.
krun_own_terminal() {
  krun_find_terminal "$1" || krun_fail 125 "$krun_text"
  exec <"$krun_hvc" >"$krun_hvc" 2>&1
  stty sane rows 24 cols 80
  krun_control_terminal
}
`;
