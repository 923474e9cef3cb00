#!/bin/sh
# backend.sh [GVPROXY]: a network for one machine, again for each start of it: gvproxy ends when its machine does.
set -eu
gvproxy=${1:-gvproxy}
cd "$(dirname "$0")"
while :; do
  rm -f api.sock net.sock
  "$gvproxy" -listen "unix://$PWD/api.sock" -listen-qemu "unix://$PWD/net.sock" -ssh-port -1
done
