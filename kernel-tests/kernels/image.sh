#!/bin/sh
# The initramfs: one archive per architecture with a JVM, the tools the product calls, and the product; one per kernel
# with its modules. The kernel unpacks them one after the other. To be sourced after packages.sh.
# shellcheck disable=SC2154

guest_packages='openjdk-25-jre-headless libbpf1 iproute2 iptables nftables kmod util-linux busybox-static'

# Trees of the kernel's modules that interception and the tests may need.
module_trees='kernel/net kernel/lib kernel/crypto kernel/drivers/net/veth.ko* kernel/drivers/net/dummy.ko*'

archive() {
	(cd "$1" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$2.next"
	mv "$2.next" "$2"
}

# The part that changes only with the packages: $work/system-ARCHITECTURE.cpio.
build_system() {
	system=$work/system-$1
	[ ! -f "$system.cpio" ] || return 0
	say "fetching the guest's programs for $1"
	# shellcheck disable=SC2086  # a list of names
	private_apt "$1" apt-get -y -t "$guest_suite" --download-only install $guest_packages >"$work/apt-$1/guest.log" 2>&1 || {
		tail -n 20 "$work/apt-$1/guest.log" >&2
		die "cannot get the guest's programs for $1"
	}
	rm -rf "$system"
	mkdir -p "$system/usr/bin" "$system/usr/sbin" "$system/usr/lib" "$system/usr/lib64"
	for link in bin sbin lib lib64; do ln -s "usr/$link" "$system/$link"; done
	for package in "$work/apt-$1/archives"/*.deb; do
		dpkg --fsys-tarfile "$package" | tar -x -C "$system" --keep-directory-symlink
	done
	rm -rf "${system:?}/usr/share" "$system/usr/lib/jvm"/*/docs "$system/usr/lib/jvm"/*/legal
	mkdir -p "$system/proc" "$system/sys" "$system/dev" "$system/run" "$system/tmp" "$system/root" "$system/var/lib" \
		"$system/usr/share"
	ln -sf "$(cd "$system" && echo usr/lib/jvm/java-[0-9][0-9]-openjdk-*/bin/java)" "$system/java"
	# Other architectures cannot run here, so only the machine's own gets an archive of prepared classes.
	if [ "$1" = "$(dpkg --print-architecture)" ]; then
		# shellcheck disable=SC2016  # the inner shell's arguments
		# In a mount namespace of its own: the JVM finds its libraries by /proc.
		unshare --mount sh -c 'mount -t proc proc "$1/proc" && exec chroot "$1" /java -Xshare:dump' sh "$system" \
			>"$work/cds-$1.log" 2>&1 || say "the guest's JVM starts slower: see $work/cds-$1.log"
	fi
	archive "$system" "$system.cpio"
}

# The product and the checks: $work/product.cpio, always made anew.
build_product() {
	product=$work/product
	rm -rf "$product"
	mkdir -p "$product/sluice/lib"
	cp "$root/cli/target/dist/lib"/*.jar "$product/sluice/lib/"
	cp -r "$root/kernel-tests/target/test-classes" "$product/sluice/checks"
	cp -r "$root/lab/target/classes/." "$product/sluice/checks/"
	cp "$here/init" "$product/init"
	archive "$product" "$product.cpio"
}

# Kernel package $2 of architecture $1 as $3/vmlinuz and $3/modules.cpio.
build_kernel() {
	[ ! -f "$3/modules.cpio" ] || return 0
	rm -rf "$3"
	mkdir -p "$3/unpacked" "$3/modules"
	unpack_kernel "$1" "$2" "$3/unpacked"
	find "$3/unpacked" -type f -name 'vmlinu[xz]*' -exec cp {} "$3/vmlinuz" \;
	[ -f "$3/vmlinuz" ] || die "$2 holds no kernel image"
	release=${2#linux-image-}
	from=$(find "$3/unpacked" -path "*/lib/modules/$release" -type d)
	to=$3/modules/usr/lib/modules/$release
	mkdir -p "$to"
	cp "$from"/modules.builtin* "$from"/modules.order "$to/"
	# shellcheck disable=SC2086  # some trees are patterns
	(cd "$from" && for tree in $module_trees; do find $tree -name '*.ko*' 2>/dev/null; done | cpio --quiet -pd "$to")
	# The guest's /lib is a link, and must not become a directory; depmod looks there or below /usr.
	ln -s usr/lib "$3/modules/lib"
	depmod -b "$3/modules" "$release"
	rm "$3/modules/lib"
	archive "$3/modules" "$3/modules.cpio"
	rm -rf "$3/unpacked"
}
