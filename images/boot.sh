#!/bin/sh
# The node image as a whole system in QEMU, emulated: its own root file system with Debian's kernel of its architecture under
# it. To be sourced after the scripts of kernel-tests/kernels.
# shellcheck disable=SC2154

guest_kernel=6.12    # Debian 13's

# Boots the node image of $architecture and prints after how many seconds its daemon was ready; dies if it never was.
boot_image() {
	guest=$work/guest
	console=$work/console.log
	rm -rf "$guest"
	mkdir -p "$guest/root"
	for layer in $(layers_of node); do tar -x -C "$guest/root" -f "$contexts/node/$layer.tar" --keep-directory-symlink; done
	(cd "$guest" && private_apt "$architecture" apt-get download busybox-static >"$work/guest.log" 2>&1) ||
		die "cannot get busybox-static for $architecture, see $work/guest.log"
	dpkg --fsys-tarfile "$guest"/busybox-static_*.deb | tar -x -O --wildcards '*/bin/busybox' >"$guest/root/busybox"
	chmod 755 "$guest/root/busybox"
	cp "$here/guest-init" "$guest/root/init"
	archive "$guest/root" "$guest/initrd.cpio"
	package=$(image_package "$architecture" "$guest_kernel")
	[ -n "$package" ] || die "no kernel $guest_kernel for $architecture in $suites"
	unpack_kernel "$architecture" "$package" "$guest/kernel"
	rm -f "$console"
	say "booting sluice-node for $architecture in QEMU"
	boot "$architecture" "$(find "$guest/kernel" -type f -name 'vmlinu[xz]*')" "$guest/initrd.cpio" "$console"
	ready=$(tr -d '\r' <"$console" | sed -n 's/^SLUICE-READY //p')
	[ -n "$ready" ] || {
		tail -n 20 "$console" >&2 || :
		die "the daemon did not become ready: see $console"
	}
	rm -rf "$guest"
	echo "ready: $ready"
}
