#!/bin/sh
# The pods' networks, as a CNI plugin would make them: `sh network.sh up` and `sh network.sh down`, as root.
set -eu

pods='buyer:2 thief:3 store:4'    # the last part of the address, as pods.yaml has it

case ${1:-} in
up)
	ip netns add shop
	ip -n shop link add bridge type bridge
	ip -n shop addr add 10.85.0.1/24 dev bridge
	ip -n shop link set bridge up
	for pod in $pods; do
		name=${pod%:*}
		ip netns add "shop-$name"
		ip -n shop link add "$name" type veth peer name eth0 netns "shop-$name"
		ip -n shop link set "$name" master bridge up
		ip -n "shop-$name" link set lo up
		ip -n "shop-$name" addr add "10.85.0.${pod#*:}/24" dev eth0
		ip -n "shop-$name" link set eth0 up
		ip -n "shop-$name" route add default via 10.85.0.1
	done
	;;
down)
	for pod in $pods; do ip netns delete "shop-${pod%:*}"; done
	ip netns delete shop
	;;
*) echo "usage: sh network.sh up|down" >&2 && exit 2 ;;
esac
