/** The part of the guest's script that makes a command run as another user, by whatever tool the guest has. */
export const USER_FUNCTIONS: string = `
krun_user() {
  krun_u=\${1%%:*} krun_g= krun_uid= krun_gid=0 krun_name= krun_home=/ krun_more=
  case $1 in *:*) krun_g=\${1#*:} ;; esac
  krun_passwd
  krun_groups
  export HOME="$krun_home"
  # Nothing to do: everything is started as root.
  [ "$krun_uid:$krun_gid" != 0:0 ] || return 0
  krun_oldpath=$PATH; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
  if krun_has setpriv --reuid; then
    krun_as="$krun_tool --reuid=$krun_uid --regid=$krun_gid --groups=$krun_gid$krun_more --"
  elif krun_has chroot --userspec; then
    krun_as="$krun_tool --userspec=$krun_uid:$krun_gid --groups=$krun_gid$krun_more --skip-chdir /"
  elif [ "$krun_name" ] && [ -z "$krun_g" ] && krun_tool=$(command -v su); then
    krun_as=su
  elif krun_tool=$(command -v perl); then
    krun_as=perl
  else
    krun_fail 125 "the guest has no setpriv (util-linux), chroot --userspec (coreutils), su or perl to become user $1"
  fi
  PATH=$krun_oldpath
}
krun_passwd() {
  [ ! -r "$krun_etc/passwd" ] ||
    while IFS=: read -r krun_n krun_l krun_i krun_v krun_l krun_h krun_l || [ "$krun_n" ]; do
      [ "$krun_n" = "$krun_u" ] || [ "$krun_i" = "$krun_u" ] || continue
      krun_name=$krun_n krun_uid=$krun_i krun_gid=$krun_v krun_home=\${krun_h:-/}
      return
    done <"$krun_etc/passwd"
  case $krun_u in
  '' | *[!0-9]*) krun_fail 125 "no user $krun_u in the guest's /etc/passwd" ;;
  esac
  krun_uid=$krun_u
}
# The group that is asked for, or all groups of the user.
krun_groups() {
  krun_found=
  [ ! -r "$krun_etc/group" ] ||
    while IFS=: read -r krun_n krun_l krun_i krun_v || [ "$krun_n" ]; do
      if [ "$krun_g" ]; then
        [ "$krun_n" = "$krun_g" ] || [ "$krun_i" = "$krun_g" ] || continue
        krun_gid=$krun_i krun_found=1
        break
      fi
      case ",$krun_v," in *",$krun_name,"*) [ -z "$krun_name" ] || krun_more="$krun_more,$krun_i" ;; esac
    done <"$krun_etc/group"
  [ "$krun_g" ] && [ -z "$krun_found" ] || return 0
  case $krun_g in
  *[!0-9]*) krun_fail 125 "no group $krun_g in the guest's /etc/group" ;;
  esac
  krun_gid=$krun_g
}
krun_has() {
  krun_tool=$(command -v "$1") || return 1
  case $("$krun_tool" --help 2>&1) in *"$2"*) return 0 ;; esac
  return 1
}
# Becomes the command, in a session of its own where the guest can make one.
krun_launch() {
  case $krun_as in
  '') ;;
  su) set -- "$krun_tool" -s /bin/sh -c 'exec "$0" "$@"' -- "$krun_name" "$@" ;;
  perl)
    set -- "$krun_tool" -e 'my ($u, $g, $all) = splice @ARGV, 0, 3;
      $! = 0; $) = $all; $( = $g; $< = $u; $> = $u; die "krun: cannot become user $u: $!\\n" if $< != $u || $> != $u;
      exec { $ARGV[0] } @ARGV; die "krun: $ARGV[0]: $!\\n"' \\
      -- "$krun_uid" "$krun_gid" "$krun_gid $krun_gid$(IFS=,; printf ' %s' $krun_more)" "$@" ;;
  *) set -- $krun_as "$@" ;;
  esac
  exec $krun_setsid "$@"
}
`;
