#!/bin/sh
# The ahead-of-time cache of an image, trained where it is used: in the image's own root file system. To be sourced.
# shellcheck disable=SC2154

# A controller that becomes ready, answers each of its pages, and ends as Kubernetes would end it.
# shellcheck disable=SC2016  # for the shell in the image
controller_lesson='
"$@" control run --registry /tmp/registry --state /tmp/state --metrics-address 127.0.0.1:15020 &
controller=$!
for page in healthz readyz metrics; do
	for attempt in {1..150}; do
		answer=
		kill -0 $controller || exit 1
		if exec 3<>"/dev/tcp/127.0.0.1/15020"; then
			printf "GET /%s HTTP/1.0\r\n\r\n" $page >&3
			read -r answer <&3
			exec 3>&-
		fi 2>/dev/null
		[[ $answer != *" 200 "* ]] || break
		sleep 0.2
	done
done
kill -TERM $controller
wait $controller
[[ $answer == *" 200 "* ]]'

# Trains image $1 in its root file system $2; the cache becomes $3. A node joins a controller of all jars and calls another node
# of them, for its own image has no controller. A controller exits as a signal ends it, so only the cache itself tells whether it
# was made. C2 takes part: see train_aot_cache in ./sluice.
train() {
	scratch=$work/training-$1
	rm -rf "$scratch"
	mkdir -p "$scratch/registry"
	set -- "$@" "/$home/runtime/bin/java" "@/$home/java.options" -XX:TieredStopAtLevel=4 -XX:AOTCacheOutput=/tmp/sluice.aot \
		io.sluice.cli.SluiceCommand
	image=$1 inside=$2 cache=$3
	shift 3
	case $image in
	node)
		mkdir "$scratch/controller"
		cp "$product"/*.jar "$scratch/controller/"
		timeout -k 10 300 "$here/inside" "$inside" "$scratch" "$@" node train --controller-class-path '/tmp/controller/*' || rm -f "$scratch/sluice.aot"
		;;
	controller) "$here/inside" "$inside" "$scratch" bash -c "$controller_lesson" bash "$@" ;;
	esac >"$work/train-$image.log" 2>&1 </dev/null || :
	[ -f "$scratch/sluice.aot" ] || {
		say "no ahead-of-time cache for the $image image: training failed (log: $work/train-$image.log)"
		return 0
	}
	install -D -m 644 "$scratch/sluice.aot" "$cache"
	rm -rf "$scratch"
}
