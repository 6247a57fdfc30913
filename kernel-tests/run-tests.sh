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
	cat "$root"/*/target/surefire-reports/TEST-*.xml 2>/dev/null |
		awk -v mode="$1" -v kernel_classes="$kernel_classes" -v may_skip="$root/kernel-tests/may-skip.txt" -f "$root/kernel-tests/summarize.awk"
}

# Seconds after which a run ends itself: that long without the end of a test class, that long in all.
most_still=900 most_in_all=4500

# Tests of every module that the arguments choose, also of those behind one in which a test failed: those of kernel-tests, which start
# daemons and so begin once the training is over, beside all others, one module of these after the other. That takes two Mavens, for one
# tests no module before those that it needs. What is printed is progress, and what failed. Maven writes to a file and is waited for by
# its number: a process that a test left behind, and that still has Maven's output, holds nothing up.
run_maven_tests() {
	output=$root/target/test.log
	test_classes >"$root/target/test-classes.txt"
	say "the whole output: $output"
	: >"$output"
	# Set before anything can tell that Maven has begun.
	trap 'end_run' INT TERM HUP
	# What the build before this has made is not made again.
	set -- -B -ntp -fae -Dmaven.test.failure.ignore -Dspotless.check.skip -Denforcer.skip -Dprotobuf.skip -Dmaven.antrun.skip \
		-Dmaven.resources.skip -Dmaven.main.skip -Dmdep.skip "-Dsluice.dist=$root/cli/target/dist" "$@" verify
	# Their own process group is what ends with them. The training is this shell's, which takes note of its end while it waits.
	(cd "$root" && exec setsid sh -c '
		training=$1 status=0
		shift
		mvn -pl "!kernel-tests" "$@" &
		[ -z "$training" ] || tail -s 0.2 --pid="$training" -f /dev/null
		mvn -pl kernel-tests -am -Dkernel-tests.alone=true "$@" || status=$?
		wait $! || status=$?
		exit $status' sh "${training:-}" "$@") </dev/null >>"$output" 2>&1 &
	maven=$!
	end_where_it_hangs &
	watch=$!
	tail -n +1 -s 0.2 -f --pid=$maven "$output" | awk -v classes="$root/target/test-classes.txt" -v before="$root/target/test-seconds.txt" -f "$root/kernel-tests/progress.awk" &
	progress=$!
	status=0
	wait $maven || status=$?
	wait $progress $watch
	trap - INT TERM HUP
	[ "$status" -eq 0 ] || say "maven ended with status $status, see above"
	# A failure does not end Maven, nor does a JVM that dies in the midst of its tests.
	while read -r module class; do
		set -- "$root/$module"/target/surefire-reports/TEST-"$class"[.$]*xml
		[ -f "$1" ] || { say "NOT RUN: $module $class" && status=1; }
	done <"$root/target/test-classes.txt"
	[ "$status" -eq 0 ]
}

# What was begun here ends before this does.
end_run() {
	maven=${maven:-$!}
	end_maven &
	[ -z "${training:-}" ] || kill -s TERM "$training" 2>/dev/null || :
	wait
	exit 143
}

# Maven's processes and those of its tests, as far as they have not left its group: asked to end, then ended. In its first moment it
# has no group yet.
end_maven() {
	kill -s TERM -- -$maven 2>/dev/null || kill -s TERM $maven 2>/dev/null || return 0
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		kill -s 0 -- -$maven 2>/dev/null || return 0
		sleep 1
	done
	kill -s KILL -- -$maven 2>/dev/null || :
}

# Ends Maven where it takes too long, and says which classes it was in; what their threads did is kept.
end_where_it_hangs() {
	begun=$(date +%s) moved=$begun ended=0
	while ! timeout 10 tail -s 0.2 --pid=$maven -f /dev/null; do
		now=$(date +%s)
		count=$(find "$root"/*/target/surefire-reports -name 'TEST-*.xml' 2>/dev/null | wc -l)
		[ "$count" -eq $ended ] || { ended=$count moved=$now; }
		if [ $((now - moved)) -ge $most_still ]; then
			why="no test class has ended for $((now - moved)) s"
		elif [ $((now - begun)) -ge $most_in_all ]; then
			why="the tests have taken $((now - begun)) s"
		else
			continue
		fi
		say "ENDED: $why; begun and not ended: $(unended_classes)"
		for jvm in $(cat /proc/[0-9]*/stat 2>/dev/null | awk -v group=$maven '$2 == "(java)" && $5 == group { print $1 }'); do
			timeout 20 "$JAVA_HOME/bin/jcmd" "$jvm" Thread.print >"$root/target/threads-$jvm.txt" 2>&1 || continue
			say "its threads: $root/target/threads-$jvm.txt"
		done
		end_maven
	done
}

unended_classes() {
	awk '/^\[INFO\] Running / { begun[$3] } / -- in / { delete begun[$NF] } END { for (class in begun) printf "%s ", class }' "$root/target/test.log"
}

# Module and name of each test class of this run whose path contains $word.
test_classes() {
	find "$root"/*/src/test/java -name '*Test.java' | while read -r source; do
		[ $mode = strict ] || ! grep -q '@Tag("kernel")' "$source" || continue
		[ "$long" ] || ! grep -q '^@Tag("long")' "$source" || continue
		! grep -q '^abstract class' "$source" || continue
		[ -z "$group" ] || grep -q "@Tag(\"$group\")" "$source" || continue
		path=${source##*/src/test/java/}
		case $path in *"$word"*) ;; *) continue ;; esac
		module=${source%/src/test/java/*}
		echo "${module##*/} $(echo "${path%.java}" | tr / .)"
	done
}

# What each class of this run took, the slowest first, in target/test-seconds.txt: the next run tells by it how long it will be.
keep_seconds() {
	grep -h -m 1 '<testsuite ' "$root"/*/target/surefire-reports/TEST-*.xml |
		sed -n 's/.* name="\([^"$]*\)[^"]*" time="\([0-9.]*\)".*/\1 \2/p' |
		awk '{ sum[$1] += $2 } END { for (class in sum) print sum[class], class }' | sort -rn >"$root/target/test-seconds.txt"
}

test_usage() {
	cat <<'TEXT'
usage: ./sluice test [--quick] [--long] [--only WORD]

Builds everything, runs all tests, and prints as its last line how many passed, failed and were skipped. Fails where one
failed, or skipped itself without a reason that kernel-tests/may-skip.txt names.

  --quick          leaves out what needs root: namespaces, programs, containers, other kernels
  --long           more of what takes long: the oldest kernel and the other architecture emulated, hundreds of pod starts
  --only WORD      what has WORD in its path below src/test/java, such as hbone or HandOver; without static analysis
  --only attacks   the attack pack: a line for each attack, with what refused it and where that is counted
TEXT
}

run_tests() {
	mode=strict group='' long='' word=''
	while [ $# -gt 0 ]; do
		case "$1 ${2:-}" in
		'--help '* | '-h '*) test_usage && return ;;
		'--quick '*) mode=quick ;;
		'--long '*) long=yes ;;
		'--only attacks') group=attack && shift ;;
		'--only '[A-Za-z]*) word=$2 && shift ;;
		'--only '*) wrong "--only takes a WORD that begins with a letter, not '${2:-}'" test ;;
		*) wrong "unknown argument '$1'" test ;;
		esac
		shift
	done
	case $word in *[!A-Za-z0-9/_]*) wrong "--only takes letters, digits, / and _, not '$word'" test ;; esac
	is_root || [ $mode = quick ] || mode=unprivileged
	[ $mode != strict ] || test_needs="$test_needs$(needs_of kernel-tests/kernels/needs)$(needs_of kernel-tests/containers/needs)$(needs_of images/needs)"
	require_packages "$chain_needs$build_needs$run_needs$test_needs"
	take_lock
	rm -rf "$root"/*/target/surefire-reports "$root"/*/target/attacks.txt
	if [ "$word" ]; then
		build -Dquick -DskipTests package
	else
		# Static analysis runs inside the compiler, so classes of an unchecked build must not count as up to date.
		rm -rf "$root"/*/target/classes "$root"/*/target/test-classes "$root"/*/target/maven-status
		# shellcheck source=../images/bill.sh
		. "$root/images/bill.sh"
		sum=$(poms_sum) bill=''
		[ $mode != strict ] || bill=-Psbom    # the images would ask a Maven of their own
		# shellcheck disable=SC2086  # a word or none
		build $bill -DskipTests package && { [ -z "$bill" ] || keep_program_bill "$root" "$sum"; }
	fi || {
		echo '0 passed, 0 failed, 0 skipped'
		exit 1
	}
	drop_lock    # kernel tests start launchers of their own
	train_aot_caches &
	training=$!
	result=0
	if [ "$word" ]; then set -- -Dquick "-Dtest=%regex[.*$word.*]" -Dsurefire.failIfNoSpecifiedTests=false; fi
	if [ "$long" ]; then soaks='' most_still=5400 most_in_all=36000; else soaks=long; fi
	if [ $mode != strict ]; then
		say "NOT RUN: $(kernel_test_sources | wc -l) test classes that need root$([ $mode = quick ] || echo '; run as root to have them')"
		soaks=${soaks:+$soaks|}kernel
	fi
	# Tests share the processors, in modules that have most of them by classes too: see surefire.classes.
	run_maven_tests "-Dgroups=$group" "-DexcludedGroups=$soaks" "$@" || result=1
	wait $training || :
	[ "$word" ] || keep_seconds
	summary=$(summarize $mode) || result=1
	[ -z "$group" ] || print_attacks $result $mode
	echo "$summary"
	exit $result
}

# One line for each attack that was tried and refused, as the tests have left it. $1 = 0 where every test passed, $2 the mode.
print_attacks() {
	cat "$root"/*/target/attacks.txt 2>/dev/null | sort -u | awk -F '\t' -v failed="$1" -v mode="$2" '
		{ printf "%s | refused by %s | counted as %s\n", $1, $2, $3 }
		END { print NR " attacks tried and refused" (failed ? "; NOT ALL: see the tests that failed" : mode != "strict" ? "; NOT ALL: those that need root were not run" : ", all of them") }'
}
