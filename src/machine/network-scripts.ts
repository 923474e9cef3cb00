import { quote } from '../base/shell.ts';

/*
 * POSIX shell for the guest, whose root decides what there is: `ip` (iproute2, busybox), ifconfig and route (net-tools,
 * busybox), or perl, which Debian's smallest roots have.
 */

/** Does with ioctl(2) what ifconfig and route do. Arguments: device, MTU, and then perhaps address, mask, gateway. */
const PERL_INTERFACE = `
my ($dev, $mtu, $ip, $mask, $gw) = @ARGV;
socket(my $s, 2, 2, 0) or die "socket: $!\\n";
sub address { pack "S x2 C4 x8", 2, split /[.]/, shift }
sub request { my ($name, $code, $what, $data) = @_; my $r = pack "a16 a24", $name, $data;
  ioctl $s, $code, $r or die "$name: $what: $!\\n"; $r }
sub up { my $flags = unpack "x16 S", request($_[0], 0x8913, "flags", "");
  request($_[0], 0x8914, "up", pack "S", $flags | 1) }
up("lo");
request($dev, 0x8922, "mtu", pack "i", $mtu);
if ($ip) { request($dev, 0x8916, "address", address($ip)); request($dev, 0x891c, "netmask", address($mask)) }
up($dev);
if ($gw) { my $any = address("0.0.0.0"); my $route = pack "x8 a16 a16 a16 S x62", $any, address($gw), $any, 3;
  ioctl $s, 0x890b, $route or die "default route: $!\\n" }
`;

/** `krun_interface DEVICE MTU [ADDRESS MASK [GATEWAY]]`; used by the script of DHCP clients too. */
const INTERFACE_FUNCTIONS = `krun_tools() {
  if command -v ip >/dev/null; then krun_tool=ip
  elif command -v busybox >/dev/null && busybox ip link >/dev/null 2>&1; then krun_tool='busybox ip'
  elif command -v ifconfig >/dev/null && command -v route >/dev/null; then krun_tool=ifconfig
  elif command -v perl >/dev/null; then krun_tool=perl
  else krun_fail 125 "cannot set up $1: the root has no ip, ifconfig or perl; install iproute2 or busybox in it"
  fi
}
krun_do() {
  krun_out=$("$@" 2>&1) || krun_fail 125 "cannot set up $krun_device: $krun_out"
}
krun_interface() {
  krun_device=$1
  krun_tools "$1"
  case $krun_tool in
  perl) krun_do perl -e "$krun_perl_interface" "$@" ;;
  ifconfig)
    krun_do ifconfig lo up
    krun_do ifconfig "$1" mtu "$2"
    if [ -n "$3" ]; then krun_do ifconfig "$1" "$3" netmask "$4" up; else krun_do ifconfig "$1" up; fi
    [ -z "$5" ] || krun_do route add default gw "$5" dev "$1" ;;
  *)
    krun_do $krun_tool link set dev lo up
    krun_do $krun_tool link set dev "$1" mtu "$2"
    [ -z "$3" ] || krun_do $krun_tool addr add "$3/$4" broadcast + dev "$1"
    krun_do $krun_tool link set dev "$1" up
    [ -z "$5" ] || krun_do $krun_tool route add default via "$5" dev "$1" ;;
  esac
}
krun_perl_interface=${quote(PERL_INTERFACE)}
`;

/** What every guest with a network uses. */
export const NETWORK_FUNCTIONS: string = `
${INTERFACE_FUNCTIONS}
krun_exists() {
  while IFS=' :' read -r krun_n krun_rest; do
    [ "$krun_n" = "$1" ] && return
  done <"$krun_devices"
  krun_fail 125 "the guest's kernel has no $1"
}
# Over the root's own file, which may be shared by other machines and stays as it is.
krun_over() {
  krun_file=$krun_etc/$1; krun_links=0
  while [ -h "$krun_file" ] && [ $krun_links -lt 40 ]; do
    krun_need readlink
    krun_link=$(readlink "$krun_file")
    case $krun_link in
    /*) krun_file=$krun_link ;;
    *) krun_file=\${krun_file%/*}/$krun_link ;;
    esac
    krun_links=$((krun_links + 1))
  done
  [ -f "$krun_file" ] || { mkdir -p "\${krun_file%/*}" && printf '' >>"$krun_file"; } 2>/dev/null || {
    printf 'krun: there is no %s, and the root is read-only: no names are resolved by it\\n' "$krun_file" >&2
    return
  }
  krun_need mount
  krun_out=$(mount -o bind "$krun_run/krun.$1" "$krun_file" 2>&1) ||
    krun_fail 125 "cannot mount krun's own file over $krun_file: $krun_out"
}
krun_resolver() {
  krun_lines=
  for krun_l in "$@"; do krun_lines="$krun_lines$krun_l
"; done
  case $krun_lines in
  *nameserver*) ;;
  *) for krun_l in $krun_leased_dns; do krun_lines="\${krun_lines}nameserver $krun_l
"; done ;;
  esac
  [ -n "$krun_lines" ] || return
  printf %s "$krun_lines" >"$krun_run/krun.resolv.conf"
  krun_over resolv.conf
}
krun_hosts() {
  {
    for krun_l in "$@"; do
      case $krun_l in
      '@ '*) [ -z "$krun_leased_ip" ] || printf '%s\\n' "$krun_leased_ip\${krun_l#@}" ;;
      *) printf '%s\\n' "$krun_l" ;;
      esac
    done
    [ -r "$krun_etc/hosts" ] && while IFS= read -r krun_l || [ -n "$krun_l" ]; do
      printf '%s\\n' "$krun_l"
    done <"$krun_etc/hosts"
  } >"$krun_run/krun.hosts"
  krun_over hosts
}
krun_leased_ip=
krun_leased_dns=
`;

/** Asks for a lease, takes what the server says first, and prints `ADDRESS MASK GATEWAY|- DNS...`. */
const PERL_DHCP = `
my $dev = shift;
socket(my $s, 2, 2, 17) or die "socket: $!\\n";
setsockopt $s, 1, $_, pack "i", 1 for 2, 6;
setsockopt $s, 1, 25, "$dev\\0" or die "$dev: $!\\n";
bind $s, pack "S n x12", 2, 68 or die "port 68: $!\\n";
my $r = pack "a16 x24", $dev;
ioctl $s, 0x8927, $r or die "$dev: $!\\n";
my ($mac, $id) = (unpack("x18 a6", $r), int rand 0xffffffff);
sub ask { my $m = pack "C4 N n n x16 a6 x202 N", 1, 1, 6, 0, $id, 0, 0x8000, $mac, 0x63825363;
  send $s, $m . join("", @_, pack "C C C4 C", 55, 4, 1, 3, 6, 26, 255) . "\\0" x 40, 0, pack "S n C4 x8", 2, 67, (255) x 4 }
sub answer { my ($want, $seconds) = @_; my $end = time + $seconds;
  while (time < $end) { my $in = ""; vec($in, fileno $s, 1) = 1;
    select($in, undef, undef, 1) > 0 and defined recv $s, my $m, 2048, 0 or next;
    length $m > 240 and unpack("x4 N", $m) == $id or next;
    my ($at, %o) = 240;
    while ($at + 1 < length $m and (my $c = ord substr $m, $at, 1) != 255) {
      $c == 0 and ++$at and next; my $l = ord substr $m, $at + 1, 1; $o{$c} = substr $m, $at + 2, $l; $at += 2 + $l }
    $o{ip} = substr $m, 16, 4; return %o if ord $o{53} == $want }
  () }
sub dotted { join ".", unpack "C4", shift }
for my $try (1 .. 5) {
  ask(pack "C3", 53, 1, 1); my %offer = answer(2, 2) or next;
  ask(pack("C3", 53, 1, 3), pack("C2 a4", 50, 4, $offer{ip}), pack "C2 a4", 54, 4, $offer{54});
  my %l = answer(5, 2) or next;
  print join(" ", dotted($l{ip}), dotted($l{1}), $l{3} ? dotted($l{3}) : "-", map dotted($_), unpack "(a4)*", $l{6} // ""), "\\n";
  exit }
die "no DHCP server answers\\n";
`;

/** Called by udhcpc, with the event as argument, and by dhclient and dhcpcd, with it in \`reason\`. */
const LEASE_SCRIPT = `krun_fail() { shift; printf '%s\\n' "$*" >>"$krun_run/krun.dhcp.$krun_device.log"; exit 1; }
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
${INTERFACE_FUNCTIONS}
case \${1:-$reason} in
bound | renew | BOUND | RENEW | REBIND | REBOOT) ;;
*) exit 0 ;;
esac
krun_ip=\${ip:-$new_ip_address}
krun_gateway=\${router:-$new_routers}
read -r krun_old krun_rest <"$krun_run/krun.lease.$krun_device"
[ "$krun_ip" = "$krun_old" ] && exit 0
if [ "$krun_client" != dhcpcd ]; then
  krun_tools "$krun_device"
  [ -z "$krun_old" ] || case $krun_tool in *ip) $krun_tool addr flush dev "$krun_device" ;; esac
  krun_interface "$krun_device" "$krun_mtu" "$krun_ip" "\${subnet:-$new_subnet_mask}" "\${krun_gateway%% *}"
fi
printf '%s %s\\n' "$krun_ip" "\${dns:-$new_domain_name_servers}" >"$krun_run/krun.lease.$krun_device"
`;

/** `krun_dhcp DEVICE MTU`. The client stays, and renews the lease. */
export const DHCP_FUNCTIONS: string = `
krun_dhcp() {
  krun_exists "$1"
  krun_client=
  for krun_c in udhcpc dhclient dhcpcd; do
    command -v $krun_c >/dev/null && { krun_client=$krun_c; break; }
  done
  [ -n "$krun_client" ] || ! command -v busybox >/dev/null || ! busybox udhcpc --help >/dev/null 2>&1 ||
    krun_client=busybox
  [ -n "$krun_client" ] || ! command -v perl >/dev/null || krun_client=perl
  if [ -z "$krun_client" ]; then
    # libkrun's init may have asked for one, and there may be nothing in the root to set the interface up with.
    krun_given "$1" && return
    krun_fail 125 "$1 gets its address by DHCP, and the root has no udhcpc, dhclient, dhcpcd or perl; install one in it, or give the machine an \\\`ip\\\`"
  fi
  krun_interface "$1" "$2"
  case $krun_tool in *ip) krun_do $krun_tool addr flush dev "$1" ;; esac
  printf '' >"$krun_run/krun.dhcp.$1.log"
  echo >"$krun_run/krun.lease.$krun_device"
  printf '#!/bin/sh\\nkrun_run=%s krun_device=%s krun_mtu=%s krun_client=%s\\n%s' "$krun_run" "$1" "$2" \\
    "$krun_client" "$krun_lease_script" >"$krun_run/krun.dhcp.$1"
  krun_need chmod
  chmod 755 "$krun_run/krun.dhcp.$1"
  case $krun_client in
  udhcpc) krun_client_run udhcpc -i "$1" -n -t 10 -T 1 -s "$krun_run/krun.dhcp.$1" ;;
  busybox) krun_client_run busybox udhcpc -i "$1" -n -t 10 -T 1 -s "$krun_run/krun.dhcp.$1" ;;
  dhclient)
    krun_client_run dhclient -1 -sf "$krun_run/krun.dhcp.$1" -lf "$krun_run/krun.leases.$1" -pf "$krun_run/krun.dhclient.$1" "$1" ;;
  dhcpcd) krun_client_run dhcpcd -4 -w -t 30 -c "$krun_run/krun.dhcp.$1" "$1" ;;
  perl) krun_perl_lease "$@" ;;
  esac
  read -r krun_ip krun_dns <"$krun_run/krun.lease.$1"
  [ -n "$krun_ip" ] || krun_dhcp_failed "$1"
  [ -n "$krun_leased_ip" ] || krun_leased_ip=$krun_ip
  [ -n "$krun_leased_dns" ] || krun_leased_dns=$krun_dns
}
krun_given() {
  krun_given=
  while read -r krun_n krun_rest; do
    [ "$krun_n" = "$1" ] && krun_given=1
  done <"\${krun_devices%/*}/route"
  [ -n "$krun_given" ] || return
  while read -r krun_a krun_b krun_c krun_rest; do
    case "$krun_a $krun_b $krun_c" in
    '|-- '*) krun_ip=$krun_b ;;
    '/32 host LOCAL') case $krun_ip in 127.*) ;; *) krun_leased_ip=\${krun_leased_ip:-$krun_ip} ;; esac ;;
    esac
  done <"\${krun_devices%/*}/fib_trie"
}
krun_client_run() {
  # Into a file: a client that goes on in the background would keep a pipe open.
  "$@" </dev/null >>"$krun_run/krun.dhcp.$krun_device.log" 2>&1 4>&- 5>&- || krun_dhcp_failed "$krun_device"
}
krun_dhcp_failed() {
  krun_last=
  while IFS= read -r krun_l; do krun_last=$krun_l; done <"$krun_run/krun.dhcp.$krun_device.log"
  krun_fail 125 "$1 got no address by DHCP: $krun_last"
}
krun_perl_lease() {
  perl -e "$krun_perl_dhcp" "$1" >"$krun_run/krun.dhcp.$krun_device.log" 2>&1 || krun_dhcp_failed "$1"
  read -r krun_ip krun_mask krun_gateway krun_dns <"$krun_run/krun.dhcp.$krun_device.log"
  krun_interface "$1" "$2" "$krun_ip" "$krun_mask" "\${krun_gateway#-}"
  printf '%s %s\\n' "$krun_ip" "$krun_dns" >"$krun_run/krun.lease.$krun_device"
}
krun_perl_dhcp=${quote(PERL_DHCP)}
krun_lease_script=${quote(LEASE_SCRIPT)}
`;
