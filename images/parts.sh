#!/bin/sh
# What an image holds above its base: Java runtime, libraries of others, Sluice itself. To be sourced.
# shellcheck disable=SC2154

home=usr/lib/sluice    # in every image

# Names in the table images/modules with sign $1.
modules_of_table() { awk -v sign="$1" '$1 == sign { print $2 }' "$here/modules"; }

debian_jdk() { echo "openjdk-$java_release-jdk-headless"; }

# Where jlink finds the modules of $architecture: nowhere (it then takes its own runtime apart), or in a directory. Those of
# another architecture are Debian's.
modules_directory() {
	if [ "$architecture" = "$own_architecture" ]; then
		[ ! -d "$JAVA_HOME/jmods" ] || echo "$JAVA_HOME/jmods"
		return
	fi
	jdk=$(debian_jdk)
	modules_of=$work/$jdk
	locked "$architecture" "$jdk" | cmp -s - "$modules_of/.complete" || {
		say "fetching Java modules for $architecture"
		rm -rf "$modules_of"
		mkdir -p "$modules_of"
		locked "$architecture" "$jdk" >"$work/locked-modules"
		[ -s "$work/locked-modules" ] || die "$packages_lock pins no $jdk for $architecture: ./sluice images --lock adds it"
		download_locked "$work/locked-modules" "$modules_of"
		dpkg --fsys-tarfile "$modules_of"/*.deb | tar -x -C "$modules_of" --wildcards '*/jmods/*'
		facts_of "$modules_of"/*.deb >"$modules_of/.facts"
		rm "$modules_of"/*.deb
		mv "$work/locked-modules" "$modules_of/.complete"
	}
	find "$modules_of" -name jmods -type d
}

short_jvm='-J-XX:TieredStopAtLevel=1 -J-XX:+UseSerialGC'    # of a tool that ends soon: a third less of the processor

# What jdeps says that the jars use. It takes 8 s, so its word is kept for all architectures: that of the program's jars, which images
# and archive have, and that of the jars beside them, which the archive has.
modules_of_jars() {
	of_program='' beside=''
	for jar in "$product"/*.jar; do
		jar=${jar##*/}
		if [ -f "$root/cli/target/dist/lib/$jar" ]; then of_program="$of_program $jar"; else beside="$beside $jar"; fi
	done
	# shellcheck disable=SC2086  # names without blanks
	modules_of program $of_program
	# shellcheck disable=SC2086
	[ -z "$beside" ] || modules_of beside $beside
}

# Of jars by their names, kept in a file for $1 behind their digest.
modules_of() (
	known=$root/target/images/modules-$1
	shift
	cd "$product"
	jars=$(cat "$@" | sha256sum)
	[ "$(sed 1q "$known" 2>/dev/null)" = "$jars" ] || {
		{
			echo "$jars"
			# shellcheck disable=SC2086  # words
			"$JAVA_HOME/bin/jdeps" $short_jvm --multi-release "$java_release" --ignore-missing-deps -q --list-deps "$@" |
				sed -n 's/^ *\(\(java\|jdk\)\.[a-z.]*\).*/\1/p'
		} >"$known.$$"
		grep -qx java.base "$known.$$" || die "jdeps does not tell which modules the jars use"
		mv "$known.$$" "$known"
	}
	sed 1d "$known"
)

# The Java runtime with the modules that the jars of all images use, into the tree $1. One for all: then a machine that runs
# both has it once, on its disk and in its memory. It is kept for the next image or archive, behind what it was made of; where
# digests are asked for, whether it comes out the same is the question, and it is made anew.
build_runtime() {
	modules=$({
		modules_of_jars
		modules_of_table +
	} | sort -u)
	left_out=$(modules_of_table -)
	modules=$(echo "$modules" | grep -vxF -e "$left_out" | paste -sd ,)
	directory=$(modules_directory)
	kept=$work/runtime
	made_of=$modules$({
		cat "$here/parts.sh" "$JAVA_HOME/release"
		[ "$architecture" = "$own_architecture" ] || cat "$work/$(debian_jdk)/.facts"
	} | sha256sum)
	[ "${digests:-no}" = no ] && [ "$(cat "$kept.of" 2>/dev/null)" = "$made_of" ] || {
		make_runtime "$kept"
		echo "$made_of" >"$kept.of"
	}
	mkdir -p "$1/$home"
	cp -a "$kept" "$1/$home/runtime"
}

make_runtime() {
	rm -rf "$1" "$1.of"
	# Debian's modules hold what a debugger reads: ten times the rest.
	# shellcheck disable=SC2086  # words; no option where there is no directory
	"$JAVA_HOME/bin/jlink" $short_jvm ${directory:+--module-path "$directory"} --add-modules "$modules" --exclude-files '**.debuginfo' \
		--strip-java-debug-attributes --no-header-files --no-man-pages --output "$1" >"$work/jlink.log" 2>&1 || {
		cat "$work/jlink.log" >&2
		die "no Java runtime for $architecture"
	}
	# Debian's modules leave the certificates of well-known authorities to a package.
	[ -s "$1/lib/security/cacerts" ] || cp "$JAVA_HOME/lib/security/cacerts" "$1/lib/security/cacerts"
	rm -f "$1/bin/jwebserver" "$1/bin/keytool" "$1/lib/jrt-fs.jar"
}

# Whether jar $1 is nothing but native code, which lies unpacked in the images.
is_native() {
	case $1 in netty-tcnative-boringssl-static-*-linux-* | netty-transport-native-epoll-*-linux-*) return 0 ;; esac
	return 1
}

# Whether jar $1 is in the controller's image only.
is_the_controllers() {
	for pattern in $(grep -v '^#' "$here/node/left-out"); do
		# shellcheck disable=SC2254  # patterns
		case $1 in $pattern) return 0 ;; esac
	done
	return 1
}

# Copies the jars into trees: those of others to $1, those of the controller alone to $2, ours to $3.
copy_jars() {
	for tree; do mkdir -p "$tree/$home/lib"; done
	for jar in "$product"/*.jar; do
		name=$(basename "$jar")
		if is_native "$name"; then continue; fi
		case $name in
		*-SNAPSHOT.jar | *-"$version".jar) cp "$jar" "$3/$home/lib/" ;;
		*) if is_the_controllers "$name"; then cp "$jar" "$2/$home/lib/"; else cp "$jar" "$1/$home/lib/"; fi ;;
		esac
	done
}

# The jars that are nothing but native code for $architecture.
native_jars() {
	case $architecture in
	amd64) netty_name=x86_64 ;;
	arm64) netty_name=aarch_64 ;;
	esac
	echo "$product"/netty-tcnative-boringssl-static-*-"linux-$netty_name.jar" "$product"/netty-transport-native-epoll-*-"linux-$netty_name.jar"
}

# The native parts of the libraries for $architecture, into the tree $1: nothing is unpacked when the program starts.
unpack_natives() {
	case $architecture in
	amd64) java_name=x86-64 ;;
	arm64) java_name=aarch64 ;;
	esac
	mkdir -p "$work/natives" "$1/$home/native"
	for jar in "$product"/jna-[0-9]*.jar $(native_jars); do
		[ -f "$jar" ] || die "no $jar"
		# shellcheck disable=SC2086  # words
		(cd "$work/natives" && "$JAVA_HOME/bin/jar" $short_jvm -xf "$jar" META-INF/native "com/sun/jna/linux-$java_name")
	done
	find "$work/natives" -name '*.so' -exec mv {} "$1/$home/native/" \;
	chmod 644 "$1/$home/native"/*
	rm -rf "$work/natives"
}

# How Java is started, into $1: the launcher's own flags, and the jars of the trees behind as class path, sorted, which is
# the order of the ahead-of-time cache.
write_options() {
	options=$1
	shift
	flags=$(sed -n '/^java_flags()/,/^}/s/^\techo //p' "$root/sluice")
	[ -n "$flags" ] || die "java_flags not found in $root/sluice"
	{
		echo "$flags" | tr ' ' '\n'
		echo "-Djava.library.path=/$home/native"
		echo "-Djna.boot.library.path=/$home/native"
		echo -Djna.nounpack=true
		echo -cp
		for tree; do (cd "$tree" && find "$home/lib" -name '*.jar'); done | sed 's|^|/|' | LC_ALL=C sort | paste -sd :
	} >"$options"
}
