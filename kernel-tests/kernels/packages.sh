#!/bin/sh
# Debian packages of other releases and architectures, through an apt configuration of their own: the machine's sources,
# lists and installed packages are not touched. To be sourced; needs $work (a directory) and die().
# shellcheck disable=SC2034,SC2154

# Kernels are looked for in all of these; the programs of the guest come from one of them.
suites='bullseye bookworm bookworm-backports trixie trixie-backports sid'
guest_suite=trixie

# The mirror is the one this machine uses itself; SLUICE_DEBIAN_MIRROR names another.
# shellcheck disable=SC2016  # apt-get fills in the names
debian_mirror() {
	if [ -n "${SLUICE_DEBIAN_MIRROR:-}" ]; then
		echo "$SLUICE_DEBIAN_MIRROR"
		return
	fi
	apt-get indextargets --format '$(ORIGIN) $(SUITE) $(REPO_URI)' 2>/dev/null | awk '
		$1 == "Debian" && $2 !~ /security/ { print $3; exit }'
}

# The options that make apt-get and apt-cache use the private configuration for architecture $1.
apt_options() {
	echo "-o APT::Architecture=$1 -o APT::Architectures::=$1 -o APT::Install-Recommends=0
		-o Dir::Etc::sourcelist=$work/apt-$1/sources.list -o Dir::Etc::sourceparts=/dev/null
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
		-o Dir::State::lists=$work/apt-$1/lists -o Dir::State::status=$work/apt-$1/status
		-o Dir::State::extended_states=$work/apt-$1/extended_states
		-o Dir::Cache=$work/apt-$1 -o Dir::Cache::archives=$work/apt-$1/archives
		-o Acquire::Languages=none -o Debug::NoLocking=1"
}

private_apt() {
	architecture=$1 command=$2
	shift 2
	# shellcheck disable=SC2046  # options are words without blanks
	"$command" -q $(apt_options "$architecture") "$@"
}

# Package lists for architecture $1, at most a day old.
update_lists() {
	apt=$work/apt-$1
	mkdir -p "$apt/lists/partial" "$apt/archives/partial"
	if [ -n "$(find "$apt/updated" -mtime -1 2>/dev/null)" ]; then return; fi
	mirror=$(debian_mirror)
	[ -n "$mirror" ] || die "no Debian mirror among this machine's package sources: name one in SLUICE_DEBIAN_MIRROR"
	for suite in $suites; do
		echo "deb [arch=$1] $mirror $suite main"
	done >"$apt/sources.list"
	: >"$apt/status"
	private_apt "$1" apt-get update >"$apt/update.log" 2>&1 || say "not every release has lists for $1, see $apt/update.log"
	: >"$apt/updated"
}

# The newest kernel image package of architecture $1 whose version begins with $2; "newest" for any.
image_package() {
	case $2 in newest) series='[0-9]*' ;; *) series="$(printf '%s' "$2" | sed 's/\./\\./g')\\." ;; esac
	private_apt "$1" apt-cache pkgnames linux-image- | grep -E "^linux-image-$series.*-cloud-$1\$" | sort -V | tail -n 1
}

# Unpacks package $2 of architecture $1, and the parts that newer kernels keep in packages of their own, into $3.
unpack_kernel() (
	debs=$work/kernels-$1
	mkdir -p "$debs"
	cd "$debs" || exit
	release=${2#linux-image-}
	parts=$(private_apt "$1" apt-cache depends "$2" 2>/dev/null | sed -n 's/^ *Depends: //p' | grep -F -e "$release" || :)
	for package in "$2" $parts; do
		[ -n "$(find . -name "${package}_*.deb")" ] || private_apt "$1" apt-get download "$package" >/dev/null 2>&1 ||
			die "cannot download $package"
		dpkg -x "$(find . -name "${package}_*.deb" | head -n 1)" "$3"
	done
)
