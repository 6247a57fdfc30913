#!/bin/sh
# What `./sluice test` does: builds everything, runs the tests of the JVM and those of the kernel, counts. To be sourced by the
# launcher.
# shellcheck disable=SC2154

kernel_test_sources() {
	grep -rl --include='*.java' '@Tag("kernel")' "$root"/*/src/test/java 2>/dev/null || :
}

# Counts the reports of this run and prints the last line. $1 = "strict": a kernel test that skipped itself has failed,
# unless kernel-tests/may-skip.txt names it. Non-zero when something failed or nothing ran.
summarize() {
	kernel_classes=$(kernel_test_sources | sed 's|.*/src/test/java/||; s|\.java$||; s|/|.|g' | tr '\n' ' ')
	find "$root" \( -path '*/target/surefire-reports/TEST-*.xml' -o -path '*/target/kernel-reports/TEST-*.xml' \) -exec cat {} + |
		awk -v mode="$1" -v kernel_classes="$kernel_classes" -v may_skip="$root/kernel-tests/may-skip.txt" -f "$root/kernel-tests/summarize.awk"
}

# Tests of every module that the arguments choose.
run_maven_tests() {
	(cd "$root" && exec mvn -B -ntp -fae "-Dsluice.dist=$root/cli/target/dist" "$@" verify) </dev/null && return
	say "maven ended with status $?, see above"
	return 1
}

test_usage() {
	cat <<'TEXT'
usage: ./sluice test [--quick] [--only attacks]

Builds everything, runs all tests, and prints as its last line how many passed, failed and were skipped. Fails where one
failed, or skipped itself without a reason that kernel-tests/may-skip.txt names.

  --quick          leaves out what needs root: namespaces, programs, containers, other kernels
  --only attacks   the attack pack: a line for each attack, with what refused it and where that is counted
TEXT
}

run_tests() {
	mode=strict group=
	while [ $# -gt 0 ]; do
		case "$1 ${2:-}" in
		'--help '* | '-h '*) test_usage && return ;;
		'--quick '*) mode=quick ;;
		'--only attacks') group=attack && shift ;;
		*) die "test knows only --quick and --only attacks, not: $*" ;;
		esac
		shift
	done
	is_root || [ $mode = quick ] || mode=unprivileged
	[ $mode != strict ] || test_needs="$test_needs$(needs_of kernel-tests/kernels/needs)$(needs_of kernel-tests/containers/needs)$(needs_of images/needs)"
	require_packages "$chain_needs$build_needs$run_needs$test_needs"
	# Static analysis runs inside the compiler, so classes of an unchecked build must not count as up to date.
	take_lock
	rm -rf "$root"/*/target/classes "$root"/*/target/test-classes "$root"/*/target/maven-status
	rm -rf "$root"/*/target/surefire-reports "$root"/*/target/kernel-reports "$root"/*/target/attacks.txt
	build -DskipTests package || {
		echo '0 passed, 0 failed, 0 skipped'
		exit 1
	}
	train_aot_cache
	drop_lock    # kernel tests start launchers of their own
	result=0
	# Tests of the JVM alone share the processors by modules. Those of the kernel run module after module, and in the one that has
	# most of them two classes at a time: see its junit-platform.properties.
	run_maven_tests -Dsurefire.reports=surefire-reports -T 1C "-Dgroups=$group" -DexcludedGroups=kernel || result=1
	if [ $mode = strict ]; then
		# For attacks alone twenty pod starts have to do in the place of two hundred.
		run_maven_tests -Dsurefire.reports=kernel-reports "-Dgroups=kernel${group:+&$group}" -DexcludedGroups= ${group:+-Dsluice.cni.starts=20} || result=1
	else
		say "NOT RUN: $(kernel_test_sources | wc -l) test classes that need root$([ $mode = quick ] || echo '; run as root to have them')"
	fi
	[ -z "$group" ] || print_attacks $result $mode
	summarize $mode || result=1
	exit $result
}

# One line for each attack that was tried and refused, as the tests have left it. $1 = 0 where every test passed, $2 the mode.
print_attacks() {
	cat "$root"/*/target/attacks.txt 2>/dev/null | sort -u | awk -F '\t' -v failed="$1" -v mode="$2" '
		{ printf "%s | refused by %s | counted as %s\n", $1, $2, $3 }
		END { print NR " attacks tried and refused" (failed ? "; NOT ALL: see the tests that failed" : mode != "strict" ? "; NOT ALL: those that need root were not run" : ", all of them") }'
}
