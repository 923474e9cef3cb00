#!/bin/sh
# mknode.sh: makes a root file system of a static busybox, this host's own Node with the libraries that it needs, and app/.
set -eu
node=$(node -p 'fs.realpathSync(process.execPath)')
./mkroot.sh rootfs.made
cp "$node" rootfs.made/bin/node
# Each line of ldd that names a file, which is to be at the same place.
for library in $(ldd "$node" | grep -o '/[^ ]*'); do
  mkdir -p "rootfs.made${library%/*}"
  cp -L "$library" "rootfs.made$library"
done
# With its times, by which `krun watch` tells that nothing has changed yet.
cp -Rp app rootfs.made/srv
rm -rf rootfs
mv rootfs.made rootfs
