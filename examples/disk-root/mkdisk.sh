#!/bin/sh
# Makes root.img: an ext4 file system that holds rootfs/ (Debian: apt install e2fsprogs).
set -eu
PATH=$PATH:/usr/sbin:/sbin
./mkroot.sh
rm -f root.img.new
mke2fs -q -t ext4 -E root_owner=0:0 -d rootfs root.img.new 32M
mv root.img.new root.img
