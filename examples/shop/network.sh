#!/bin/sh
# The pods' networks, as a CNI plugin would make them: `sh network.sh up` and `sh network.sh down`, as root.
# Both go on from whatever is there.
set -eu

pods='buyer:2 thief:3 store:4'    # the last part of the address, as pods.yaml has it

remove() { [ ! -e "/var/run/netns/$1" ] || ip netns delete "$1"; }
make() { ip netns exec "$1" true 2>/dev/null || { remove "$1" && ip netns add "$1"; }; }
has() { ip -n "$1" link show "$2" >/dev/null 2>&1; }
unlink() { ! has "$1" "$2" || ip -n "$1" link delete "$2" 2>/dev/null || ! has "$1" "$2"; }

case ${1:-} in
up)
	make shop
	has shop bridge || ip -n shop link add bridge type bridge
	ip -n shop addr replace 10.85.0.1/24 dev bridge
	ip -n shop link set bridge up
	for pod in $pods; do
		name=${pod%:*}
		make "shop-$name"
		if ! has shop "$name" || ! has "shop-$name" eth0; then
			unlink shop "$name" && unlink "shop-$name" eth0    # an end whose other one is gone
			ip -n shop link add "$name" type veth peer name eth0 netns "shop-$name"
		fi
		ip -n shop link set "$name" master bridge up
		ip -n "shop-$name" link set lo up
		ip -n "shop-$name" addr replace "10.85.0.${pod#*:}/24" dev eth0
		ip -n "shop-$name" link set eth0 up
		ip -n "shop-$name" route replace default via 10.85.0.1
	done
	;;
down)
	left=0
	for pod in $pods; do remove "shop-${pod%:*}" || left=1; done
	remove shop && exit $left
	;;
*) echo "usage: sh network.sh up|down" >&2 && exit 2 ;;
esac
