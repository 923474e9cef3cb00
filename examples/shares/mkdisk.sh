#!/bin/sh
# Makes rootfs/, and reference.img: an ext4 file system that holds reference/ (Debian: apt install e2fsprogs).
set -eu
PATH=$PATH:/usr/sbin:/sbin
./mkroot.sh
rm -f reference.img.new
mke2fs -q -t ext4 -E root_owner=0:0 -d reference reference.img.new 8M
mv reference.img.new reference.img
