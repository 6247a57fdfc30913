#!/bin/sh
# What an image holds above its base: Java runtime, libraries of others, Sluice itself. To be sourced.
# shellcheck disable=SC2154

home=usr/lib/sluice    # in every image

# Names in the table images/modules for image $1 with sign $2.
modules_of_table() {
	awk -v image="$1" -v sign="$2" '($1 == image || $1 == "both") && $2 == sign { print $3 }' "$here/modules"
}

# Where the modules of $architecture are: nowhere (jlink then takes its own runtime apart), or a directory.
modules_directory() {
	[ "$architecture" = "$own_architecture" ] || die "no Java modules for $architecture: see docs/images.md"
	[ ! -d "$JAVA_HOME/jmods" ] || echo "$JAVA_HOME/jmods"
}

# The Java runtime with the modules that the jars in $2 use, for image $1, into the tree $3.
build_runtime() {
	left_out=$(modules_of_table "$1" -)
	modules=$({
		"$JAVA_HOME/bin/jdeps" --multi-release "$java_release" --ignore-missing-deps -q --list-deps \
			-cp "$(echo "$2"/*.jar | tr ' ' :)" "$2"/*.jar | sed -n 's/^ *\(\(java\|jdk\)\.[a-z.]*\).*/\1/p'
		modules_of_table "$1" +
	} | sort -u | grep -vxF -e "${left_out:-none}")
	directory=$(modules_directory)
	mkdir -p "$3/usr/lib/sluice"
	# shellcheck disable=SC2086  # no option where there is no directory
	"$JAVA_HOME/bin/jlink" ${directory:+--module-path "$directory"} --add-modules "$(echo "$modules" | paste -sd ,)" \
		--strip-debug --no-header-files --no-man-pages --output "$3/$home/runtime" >"$work/jlink-$1.log" 2>&1 || {
		cat "$work/jlink-$1.log" >&2
		die "no Java runtime for the $1 image"
	}
	rm -f "$3/$home/runtime/bin/jwebserver" "$3/$home/runtime/bin/keytool" "$3/$home/runtime/lib/jrt-fs.jar"
}

# Whether jar $2 is none of image $1: left out by its table, or nothing but native code, which lies unpacked in the image.
is_left_out() {
	for pattern in $(grep -v '^#' "$here/$1/left-out") 'netty-tcnative-boringssl-static-*-linux-*' 'netty-transport-native-epoll-*-linux-*'; do
		# shellcheck disable=SC2254  # patterns
		case $2 in $pattern) return 0 ;; esac
	done
	return 1
}

# Copies the jars of image $1: those of others into $2, ours into $3.
copy_jars() {
	mkdir -p "$2/$home/lib" "$3/$home/lib"
	for jar in "$product"/*.jar; do
		name=$(basename "$jar")
		! is_left_out "$1" "$name" || continue
		case $name in
		*-SNAPSHOT.jar | *-"$version".jar) cp "$jar" "$3/$home/lib/" ;;
		*) cp "$jar" "$2/$home/lib/" ;;
		esac
	done
}

# The native parts of the libraries for $architecture, into the tree $1: nothing is unpacked when the program starts.
unpack_natives() {
	case $architecture in
	amd64) java_name=x86-64 netty_name=x86_64 ;;
	arm64) java_name=aarch64 netty_name=aarch_64 ;;
	esac
	mkdir -p "$work/natives" "$1/$home/native"
	for jar in "$product"/jna-[0-9]*.jar "$product"/netty-tcnative-boringssl-static-*-"linux-$netty_name.jar" \
		"$product"/netty-transport-native-epoll-*-"linux-$netty_name.jar"; do
		[ -f "$jar" ] || die "no $jar"
		(cd "$work/natives" && "$JAVA_HOME/bin/jar" -xf "$jar" META-INF/native "com/sun/jna/linux-$java_name")
	done
	find "$work/natives" -name '*.so' -exec mv {} "$1/$home/native/" \;
	chmod 644 "$1/$home/native"/*
	rm -rf "$work/natives"
}

# How Java is started: the launcher's own flags, and the class path in the order of the ahead-of-time cache.
write_options() {
	flags=$(sed -n '/^java_flags()/,/^}/s/^\techo //p' "$root/sluice")
	[ -n "$flags" ] || die "java_flags not found in $root/sluice"
	{
		echo "$flags" | tr ' ' '\n'
		echo "-Djava.library.path=/$home/native"
		echo "-Djna.boot.library.path=/$home/native"
		echo -Djna.nounpack=true
		printf -- '-cp\n'
		(cd "$1" && LC_ALL=C ls) | sed "s|^|/$home/lib/|" | paste -sd :
	} >"$2"
}
