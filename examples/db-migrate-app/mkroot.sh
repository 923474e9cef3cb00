#!/bin/sh
# mkroot.sh [DIRECTORY]: makes a root file system of nothing but a static busybox (Debian: apt install busybox-static).
set -eu
root=${1:-rootfs}
busybox=$(command -v busybox) || { echo 'mkroot.sh: busybox is not installed (busybox-static)' >&2; exit 1; }
if ldd "$busybox" 2>/dev/null | grep -q '=>'; then
  echo "mkroot.sh: $busybox needs shared libraries; install busybox-static" >&2
  exit 1
fi
rm -rf "$root.new"
mkdir -p "$root.new/bin" "$root.new/dev" "$root.new/proc" "$root.new/sys" "$root.new/tmp"
cp "$busybox" "$root.new/bin/busybox"
# Run from there, it links its commands to itself; it complains about the one that is there, and says so in its status.
(cd "$root.new/bin" && ./busybox --install . 2>/dev/null) || [ -e "$root.new/bin/sh" ]
rm -rf "$root"
mv "$root.new" "$root"
