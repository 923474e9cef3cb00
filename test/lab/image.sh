# shellcheck shell=bash
# Sourced by lab: what has to be installed, and the kernel, initrd and scratch disk that all runs share.

# Modules that the initrd needs to find its root; the rest comes from the image's lib/modules once the root is there.
boot_modules=(virtio_pci virtio_blk virtio_console 9pnet_virtio 9p ext4 overlay dummy)

require_packages() { # INSTALL
  local missing=() pair
  for pair in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static mkfs.ext4:e2fsprogs depmod:kmod xz:xz-utils \
    flock:util-linux setpriv:util-linux; do
    type -P "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  # The initrd has no libraries.
  if type -P busybox >/dev/null && ldd "$(type -P busybox)" 2>/dev/null | grep -q "=>"; then missing+=(busybox-static); fi
  [ ${#missing[@]} -gt 0 ] || return 0
  type -P apt-get >/dev/null || die "missing: ${missing[*]} (Debian's package names)"
  local command=(apt-get install -y --no-install-recommends "${missing[@]}")
  [ "$(id -u)" = 0 ] || command=(sudo "${command[@]}")
  if [ "$(id -u)" != 0 ] && [ -z "$1" ]; then
    die "missing packages. Run lab with --install, or: ${command[*]}"
  fi
  say "installing ${missing[*]}"
  refresh_package_lists
  DEBIAN_FRONTEND=noninteractive "${command[@]}" >&2 || die 'the packages could not be installed'
}

# Containers come without package lists.
refresh_package_lists() {
  [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -print -quit)" ] || return 0
  if [ "$(id -u)" = 0 ]; then apt-get update -q >&2; elif [ -n "${install:-}" ]; then sudo apt-get update -q >&2; fi
}

# Makes the image unless it is there, and sets $image. Its name is a hash of everything that it is made from, so
# an edit here makes a new one. Whoever runs holds a shared lock; images that nobody holds and that are not this one go.
prepare_image() { # REBUILD
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/krun-lab stamp other lock
  mkdir -p "$cache"
  stamp=$(cat "$here/image.sh" "$here/init" "$(type -P busybox)" | sha256sum | cut -c1-16)
  image=$cache/$stamp
  exec {lock}>"$cache/$stamp.lock"
  flock -s "$lock"
  [ -d "$image" ] && [ -z "$1" ] && return 0
  # Nobody runs on it, and nobody else makes it, while it is made; it may be there by the time that this is so.
  flock "$lock"
  [ -z "$1" ] || rm -rf "$image"
  if [ ! -d "$image" ]; then
    say "making the emulated host's image in $cache (once)"
    for other in "$cache"/*.lock; do
      [ "$other" = "$cache/$stamp.lock" ] || flock -n "$other" rm -rf "${other%.lock}" "$other" || true
    done
    rm -rf "$image.new"
    mkdir -p "$image.new"
    build_image "$image.new" || { rm -rf "$image.new"; die 'the image could not be made'; }
    mv "$image.new" "$image"
  fi
  flock -s "$lock"
}

build_image() { # DIRECTORY; called on the left of ||, where set -e does not work: hence the &&
  local kernel=${KRUN_LAB_KERNEL:-} release
  if [ -z "$kernel" ]; then
    kernel=$1/package
    download_kernel "$kernel" || return 1
  fi
  release=$(ls "$kernel/lib/modules" | sort -V | tail -n 1) &&
    mkdir -p "$1/lib/modules" &&
    cp -r "$kernel/lib/modules/$release" "$1/lib/modules/" &&
    depmod -b "$1" "$release" &&
    unpack_kernel "$kernel/boot/vmlinuz-$release" "$1/vmlinux" &&
    make_initrd "$1" "$release" &&
    truncate -s 24G "$1/scratch.img" &&
    mkfs.ext4 -q -O ^has_journal -E lazy_itable_init=1 "$1/scratch.img" &&
    rm -rf "$1/package"
}

download_kernel() { # DIRECTORY
  local package
  type -P apt-get >/dev/null || die 'no apt-get here: set KRUN_LAB_KERNEL to a directory with boot/vmlinuz-VERSION and lib/modules/VERSION'
  refresh_package_lists
  package=$(apt-cache depends linux-image-amd64 | awk '/Depends:/ { print $2; exit }')
  [ -n "$package" ] || { say 'apt knows no linux-image-amd64: set KRUN_LAB_KERNEL (see README.md)'; return 1; }
  mkdir -p "$1" && (cd "$1" && apt-get download -q -o APT::Sandbox::User= "$package" >&2) &&
    dpkg-deb -x "$1"/linux-image-*.deb "$1" && rm "$1"/linux-image-*.deb
}

# Decompressing the kernel inside would take three of the five seconds that the emulated boot took with it.
unpack_kernel() { # BZIMAGE ELF
  local start length magic unpack
  start=$((($(byte_field "$1" 0x1f1 1) + 1) * 512 + $(byte_field "$1" 0x248 4)))
  length=$(($(byte_field "$1" 0x24c 4) - 4)) # the last four bytes are the unpacked size
  magic=$(od -An -tx1 -j "$start" -N 4 "$1" | tr -d ' ')
  case $magic in
    fd377a58) unpack=xz ;;
    1f8b*) unpack=gzip ;;
    28b52ffd) unpack=zstd ;;
    *) say "the kernel is packed in an unknown way ($magic)"; return 1 ;;
  esac
  dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip="$start" count="$length" status=none | "$unpack" -dc >"$2"
}

byte_field() { od -An "-tu$3" -j "$(($2))" -N "$3" "$1" | tr -d ' '; } # FILE OFFSET BYTES

make_initrd() { # DIRECTORY RELEASE
  local tree=$1/initrd.tree module file
  mkdir -p "$tree"/{bin,modules,proc,sys,dev,host,scratch,root} || return 1
  cp "$(type -P busybox)" "$tree/bin/busybox" && install -m 755 "$here/init" "$tree/init" || return 1
  for module in "${boot_modules[@]}"; do
    while read -r file; do
      [ -e "$tree/modules/${file##*/}" ] && continue
      cp "$file" "$tree/modules/" && echo "${file##*/}" >>"$tree/modules/order" || return 1
    done < <(modprobe -d "$1" -S "$2" --show-depends "$module" | awk '$1 == "insmod" { print $2 }')
  done
  (cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$1/initrd" && rm -rf "$tree"
}
