import { userPorts, userTerminalSize, portNumber, type BootstrapGuest } from './console-ports.ts';
import { quote } from '../base/shell.ts';

/**
 * The part of the guest's script that gives the user's ports their names in /dev/virtio-ports, as udev does where there
 * is one. A terminal is found by its size.
 */
export const PORT_FUNCTIONS: string = `
krun_link() {
  [ -e "$krun_dev/virtio-ports/$2" ] && return
  { mkdir -p "$krun_dev/virtio-ports" && ln -s "$1" "$krun_dev/virtio-ports/$2"; } 2>/dev/null ||
    echo "krun: $1 is console port $2; for a link in /dev/virtio-ports the guest needs mkdir and ln" >&2
}
krun_link_port() {
  krun_wait "$1"
  krun_link "$krun_ports$1" "$2"
}
krun_link_terminal() {
  krun_n=0
  while command -v stty >/dev/null && [ "$krun_n" -lt 100 ]; do
    for krun_hvc in "$krun_dev"/hvc*; do
      krun_l=$(stty size <"$krun_hvc") 2>/dev/null
      [ "$krun_l" = "$1" ] && { krun_link "$krun_hvc" "$2"; return; }
    done
    krun_n=$((krun_n + 1))
  done
  echo "krun: console port $2 is one of /dev/hvc*; to tell which, the guest needs stty" >&2
}
`;

/** Lines that link the ports of a guest that has some. */
export function portLines(guest: BootstrapGuest): readonly string[] {
  return userPorts(guest.ports).map(({ name, carries, label = name }) => {
    if (carries !== 'terminal') return `krun_link_port ${portNumber(guest, name)} ${quote(label)}`;
    const { rows, columns } = userTerminalSize(name);
    return `krun_link_terminal '${rows} ${columns}' ${quote(label)}`;
  });
}
