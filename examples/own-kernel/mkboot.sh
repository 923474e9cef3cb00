#!/bin/sh
# mkboot.sh: makes kernel.img, the ELF file in the kernel that KERNEL names (this host's when unset), and initrd.img from
# ./init and a static busybox. Debian: apt install busybox-static xz-utils.
set -eu

byte_field() { od -An "-tu$3" -j "$(($2))" -N "$3" "$1" | tr -d ' '; } # FILE OFFSET BYTES

# libkrun reads no xz, which Debian packs its kernels with. The image says where the packed kernel is.
unpack_kernel() { # IMAGE ELF
  start=$((($(byte_field "$1" 0x1f1 1) + 1) * 512 + $(byte_field "$1" 0x248 4)))
  length=$(($(byte_field "$1" 0x24c 4) - 4))
  case $(od -An -tx1 -j "$start" -N 4 "$1" | tr -d ' ') in
  fd377a58) unpack=xz ;;
  1f8b*) unpack=gzip ;;
  28b52ffd) unpack=zstd ;;
  *) echo "mkboot.sh: $1 is not a kernel that this script can unpack" >&2; exit 1 ;;
  esac
  tail -c "+$((start + 1))" "$1" | head -c "$length" | "$unpack" -dc >"$2"
}

kernel=${KERNEL:-/boot/vmlinuz-$(uname -r)}
if [ ! -r "$kernel" ]; then
  echo "mkboot.sh: cannot read $kernel; set KERNEL to a kernel of Linux for this processor" >&2
  exit 1
fi
case $(head -c 4 "$kernel" | tail -c 3) in
ELF) cp "$kernel" kernel.img ;;
*) unpack_kernel "$kernel" kernel.img ;;
esac

busybox=$(command -v busybox) || { echo 'mkboot.sh: busybox is not installed (busybox-static)' >&2; exit 1; }
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir "$tree/bin"
cp "$busybox" "$tree/bin/busybox"
ln -s busybox "$tree/bin/sh"
install -m 755 init "$tree/init"
(cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) >initrd.img
