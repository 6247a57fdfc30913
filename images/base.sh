#!/bin/sh
# The locally made base of an image: named programs of Debian packages and the libraries they load, nothing else. No
# maintainer script runs, so it is made for any architecture on any machine. To be sourced after packages.sh.
# shellcheck disable=SC2154

suites=trixie    # the release of the default BASE
packages_lock=${SLUICE_PACKAGES_LOCK:-$here/packages.lock}

# Programs of the base, of those that the packages of the Containerfile bring.
programs_of() {
	case $1 in
	node)
		echo bash sh cat sleep ip nft nsenter unshare xtables-nft-multi xtables-legacy-multi
		for backend in nft legacy; do
			for family in iptables ip6tables; do echo $family-$backend $family-$backend-save $family-$backend-restore; done
		done
		;;
	controller) echo bash sh cat sleep ;;
	esac
}

# Libraries that a Java runtime of Debian's making loads, and further files of the base.
further_packages='base-files libstdc++6 zlib1g'

# The pinned packages of architecture $1, one a line: package, version, SHA-256. Those of Java modules only where $2 names them.
locked() { awk -v architecture="$1" -v modules="${2:-none}" '
	$1 == architecture && ($2 ~ /^openjdk-/ ? $2 == modules : modules == "none") { print $2, $3, $4 }' "$packages_lock"; }

# Packages that the Containerfiles and the base name; the others of the lock are what these depend on.
named_packages() {
	{
		echo "$further_packages" | tr ' ' '\n'
		sed -n 's/^ARG PACKAGES="\(.*\)"$/\1/p' "$here"/*/Containerfile | tr ' ' '\n'
	} | sort -u
}

# Downloads the pinned packages in file $1 into directory $2, and dies unless they are those bytes.
download_locked() {
	mkdir -p "$2"
	wanted=$(sed 's/^\([^ ]*\) \([^ ]*\) .*/\1=\2/' "$1")
	# shellcheck disable=SC2086  # a list of words
	(cd "$2" && private_apt "$architecture" apt-get download $wanted >"$work/packages.log" 2>&1) || {
		rm -f "$work/apt-$architecture/updated"    # the lists may be older than the lock
		update_lists "$architecture"
		(cd "$2" && private_apt "$architecture" apt-get download $wanted >"$work/packages.log" 2>&1)
	} || {
		grep '^E:' "$work/packages.log" >&2 || tail -n 5 "$work/packages.log" >&2
		die "cannot get a package that $packages_lock pins. If Debian no longer carries the version, ./sluice images --lock" \
			"pins what it carries now: look at the difference and commit it. Or build from the archive of old versions:" \
			"SLUICE_DEBIAN_MIRROR=http://snapshot.debian.org/archive/debian/DATE/, a date at which it was there"
	}
	while read -r name release sum; do
		file=$(find "$2" -name "${name}_*.deb")
		found=$(sha256sum "$file" | cut -d ' ' -f 1)
		[ "$found" = "$sum" ] ||
			die "$name $release has SHA-256 $found, and $packages_lock pins $sum: not used. Is the mirror the right one?"
	done <"$1"
}

# Fetches the pinned packages for $architecture, each unpacked into a directory of its own; what each is stands in
# $unpacked/.facts: package, version, architecture, source, its version, SHA-256 of the file.
fetch_packages() {
	unpacked=$work/packages
	locked "$architecture" >"$work/locked"
	for package in $(named_packages); do
		grep -q "^$package " "$work/locked" ||
			die "$packages_lock pins no $package for $architecture: ./sluice images --lock adds it"
	done
	! cmp -s "$work/locked" "$unpacked/.complete" || return 0
	say "fetching Debian packages for $architecture"
	update_lists "$architecture"
	rm -rf "$unpacked" "$work/debs"
	mkdir -p "$unpacked"
	download_locked "$work/locked" "$work/debs"
	for package in "$work/debs"/*.deb; do
		name=$(basename "$package")
		mkdir "$unpacked/${name%%_*}"
		dpkg --fsys-tarfile "$package" | tar -x -C "$unpacked/${name%%_*}"
		facts_of "$package" >>"$unpacked/.facts"
	done
	rm -r "$work/debs"
	mv "$work/locked" "$unpacked/.complete"
}

# The line of .facts about the package file $1.
facts_of() {
	# shellcheck disable=SC2016  # dpkg fills in the names
	dpkg-deb --show --showformat='${Package} ${Version} ${Architecture} ${source:Package} ${source:Version} ' "$1"
	digest "$1"
}

# Pins what the mirror carries now, for both architectures: writes the lock.
write_lock() {
	jdk=openjdk-$java_release-jdk-headless
	{
		echo "# Debian packages that images are made of: architecture, package, version, SHA-256. Written by \`./sluice images --lock\`."
		for of in amd64 arm64; do
			work=$root/target/images/$of
			rm -f "$work/apt-$of/updated"
			update_lists "$of"
			say "pinning packages for $of"
			# shellcheck disable=SC2046  # a list of words
			private_apt "$of" apt-get -y --simulate install $(named_packages) >"$work/packages.log" 2>&1 || {
				tail -n 20 "$work/packages.log" >&2
				die "cannot get the packages of the images for $of"
			}
			newest=$(private_apt "$of" apt-cache policy "$jdk" | sed -n 's/^ *Candidate: //p')
			# shellcheck disable=SC2046  # a list of words
			private_apt "$of" apt-cache show $(sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1=\2/p' "$work/packages.log") "$jdk=$newest" |
				awk -v architecture="$of" '
					/^Package: / { name = $2 }
					/^Version: / { version = $2 }
					/^SHA256: / { print architecture, name, version, $2 }' | LC_ALL=C sort -u
		done
	} >"$packages_lock.next"
	mv "$packages_lock.next" "$packages_lock"
	say "$(grep -vc '^#' "$packages_lock") packages in $packages_lock"
}

# Puts the file at path $1 of a package, with what a link points at, into the tree $2. Directories of the old layout are
# links into /usr there.
take() {
	found=$(ls -d "$unpacked"/*/"$1" "$unpacked"/*/"${1#usr/}" 2>/dev/null | head -n 1)
	[ -n "$found" ] || return 1
	[ ! -e "$2/$1" ] && [ ! -L "$2/$1" ] || return 0
	package=${found#"$unpacked/"}
	package=${package%%/*}
	mkdir -p "$2/$(dirname "$1")" "$2/usr/share/doc/$package"
	cp -a "$found" "$2/$1"
	copyright=$unpacked/$package/usr/share/doc/$package/copyright
	[ ! -f "$copyright" ] || cp "$copyright" "$2/usr/share/doc/$package/"
	if [ -L "$found" ]; then
		target=$(readlink "$found")
		case $target in
		/*) target=${target#/} ;;
		*) target=$(dirname "$1")/$target ;;
		esac
		target=$(realpath -ms --relative-to=/ "/$target")
		case $target in bin/* | sbin/* | lib/* | lib64/*) target=usr/$target ;; esac
		take "$target" "$2"
	fi
}

# Names of the libraries that ELF files below the directories given load.
libraries_needed_below() {
	find "$@" -type f \( -name '*.so*' -o -perm /100 \) -exec llvm-readelf --needed-libs {} + 2>/dev/null |
		sed -n 's/^ *\([^ ]*\.so[^ ]*\)$/\1/p' | sort -u
}

# Takes libraries into the base $1 until all that it and the further directories load are there.
take_libraries() {
	while :; do
		missing=''
		for library in libgcc_s.so.1 $(libraries_needed_below "$@"); do
			[ -z "$(find "$@" -name "$library" -print -quit)" ] || continue
			missing="$missing $library"
			take "usr/lib/$triplet/$library" "$1" || take "usr/lib64/$library" "$1" ||
				die "no package of the image brings $library"
		done
		[ -n "$missing" ] || return 0
	done
}

# The base of image $1 into $2: what its packages bring, and libraries that the trees behind load.
build_base() {
	image=$1 base=$2
	shift 2
	triplet=$(basename "$(ls -d "$unpacked"/libc6/usr/lib/*-linux-gnu*)")
	rm -rf "$base"
	mkdir -p "$base/usr/bin" "$base/usr/sbin" "$base/usr/lib" "$base/usr/lib64" "$base/etc" "$base/var/lib" "$base/root" "$base/home"
	for link in bin sbin lib lib64; do ln -s "usr/$link" "$base/$link"; done
	for directory in dev proc sys run tmp; do mkdir "$base/$directory"; done
	for program in $(programs_of "$image"); do
		take "usr/bin/$program" "$base" || take "usr/sbin/$program" "$base" || die "no package of the $image image brings $program"
	done
	if [ "$image" = node ]; then
		take "usr/lib/$triplet/libbpf.so.1" "$base" || die "no package of the node image brings libbpf.so.1"
		extensions=$(cd "$unpacked/iptables" && find usr/lib -name xtables -type d)
		mkdir -p "$base/$extensions"
		cp -a "$unpacked/iptables/$extensions"/*.so "$base/$extensions/"
	fi
	take_libraries "$base" "$@"
	loader=$(llvm-readelf --program-headers "$base/usr/bin/cat" | sed -n 's/.*program interpreter: \/\(.*\)]$/\1/p')
	take "usr/$loader" "$base" || die "no package of the $image image brings /$loader"
	cp "$unpacked"/base-files/usr/lib/os-release "$base/usr/lib/"
	ln -s ../usr/lib/os-release "$base/etc/os-release"
	printf 'root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/:/bin/false\n' >"$base/etc/passwd"
	printf 'root:x:0:\nnonroot:x:65532:\n' >"$base/etc/group"
	printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$base/etc/nsswitch.conf"
	find "$base" -type f -perm /6000 -exec chmod a-s {} +
	chmod 1777 "$base/tmp"
}
