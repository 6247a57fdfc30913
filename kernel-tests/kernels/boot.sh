#!/bin/sh
# A guest in QEMU, emulated, so of any architecture. To be sourced; needs die(). Ends its guest with the script.

deadline_seconds=900

qemu=''
trap '[ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null || :' EXIT
trap 'exit 130' INT TERM HUP

# Some releases of QEMU leave wrong flags behind cmpxchg16b, and kernels crash of it: the guest must not see it. Newer kernels
# then allocate for BPF only from caches under debugging, as they would on processors that never had the instruction.
without_cmpxchg16b='Nehalem,-cx16'
debugged_caches=slub_debug=F

# Boots architecture $1 with kernel $2 and initial file system $3 and waits for its end; the console goes to $4, the kernel's
# command line also has $5 if it is given.
boot() {
	case $1 in
	amd64) set -- qemu-system-x86_64 q35 "$without_cmpxchg16b" ttyS0 "$@" ;;
	arm64) set -- qemu-system-aarch64 virt cortex-a72 ttyAMA0 "$@" ;;
	*) die "unknown architecture $1" ;;
	esac
	command -v "$1" >/dev/null || die "no $1: kernel-tests/kernels/needs names its package"
	"$1" -M "$2" -cpu "$3" -accel tcg -smp 2 -m 2560 -nodefaults -no-user-config -display none -no-reboot \
		-serial "file:$8" -kernel "$6" -initrd "$7" \
		-append "console=$4 panic=-1 loglevel=2 $debugged_caches ${9:-}" </dev/null &
	qemu=$!
	ends=$(($(date +%s) + deadline_seconds))
	while kill -0 "$qemu" 2>/dev/null && [ "$(date +%s)" -lt "$ends" ]; do sleep 2; done
	kill -KILL "$qemu" 2>/dev/null || :
	wait "$qemu" 2>/dev/null || :
	qemu=''
}
