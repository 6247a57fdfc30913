#!/bin/sh
# Bills of materials (CycloneDX): what Maven's plugin says of the program's jars, cut down to an image, with its Debian
# packages and its Java runtime. To be sourced.
# shellcheck disable=SC2154

program_bill=$root/target/images/program.cdx.json

# The poms as they are: a bill holds for no others.
poms_sum() { (cd "$root" && cat pom.xml ./*/pom.xml | sha256sum | cut -d ' ' -f 1); }

# Keeps what Maven said in directory $1 of the poms whose sum was $2 before it began.
keep_program_bill() {
	mkdir -p "$root/target/images"
	mv "$1/cli/target/bom.json" "$program_bill"
	echo "$2" >"$program_bill.of"
}

# The bill of the whole program, for all architectures, kept while no pom.xml changes. Made from the poms alone, in a directory
# of its own: whatever runs from this tree is left alone, and jars are known by their bytes later.
make_program_bill() {
	sum=$(poms_sum)
	[ "$(cat "$program_bill.of" 2>/dev/null)" != "$sum" ] || return 0
	say "asking Maven what the program is made of"
	project=$work/poms
	rm -rf "$project"
	for pom in $(cd "$root" && echo pom.xml ./*/pom.xml); do install -D -m 644 "$root/$pom" "$project/$pom"; done
	(cd "$project" && mvn -q -B -ntp -Psbom -Dquick -DskipTests -Denforcer.skip -Dmaven.antrun.skip -Dprotobuf.skip -Dmdep.skip \
		-Dmaven.main.skip -pl cli -am package >"$work/program.log" 2>&1 </dev/null) || {
		tail -n 20 "$work/program.log" >&2
		die "no bill of materials: Maven failed (it fetches its CycloneDX plugin the first time)"
	}
	keep_program_bill "$project" "$sum"
	rm -rf "$project"
}

# The bill of image $1, made of the trees in $2, as file $3.
write_bill() {
	make_program_bill
	{
		for package in base-files $(ls "$2/base/usr/share/doc"); do grep "^$package " "$unpacked/.facts"; done | LC_ALL=C sort -u
		[ "$architecture" = "$own_architecture" ] || cat "$work/$(debian_jdk)/.facts"
	} >"$work/facts"
	release=$JAVA_HOME/release
	[ "$architecture" = "$own_architecture" ] || release=$2/root/$home/runtime/release
	# shellcheck disable=SC2046  # a list of files
	step bill "$3" "$program_bill" "sluice-$1" "$architecture" "$version" "$created" "$release" "$work/facts" \
		$(find "$2/root/$home/lib" -name '*.jar' | LC_ALL=C sort) $(native_jars)
	rm "$work/facts"
}
