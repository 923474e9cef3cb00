#!/bin/sh
# mktap.sh [USER]: makes the tap device krun0 with the host's address 192.168.100.1, for a user (default: who called
# sudo). Needs root. `ip link delete krun0` undoes it; so does a reboot.
set -eu
user=${1:-${SUDO_USER:-root}}
PATH=$PATH:/usr/sbin:/sbin
ip tuntap add dev krun0 mode tap user "$user" vnet_hdr
ip address add 192.168.100.1/24 dev krun0
ip link set krun0 up
