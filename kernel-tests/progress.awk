# Maven's output in, a line for each test class that has ended out, with all that Maven calls an error in between. Variables: classes
# (a file of those expected, module and class on a line) and before (a file of seconds and class, from an earlier run; may not exist).
BEGIN {
	while ((getline line < classes) > 0) if (split(line, words, " ") == 2) {
		module[words[2]] = words[1]
		total++
	}
	while ((getline line < before) > 0) if (split(line, words, " ") == 2 && words[2] in module) {
		known[words[2]] = words[1]
		ahead += words[1]
	}
	begun = systime()
}
function minutes(seconds) { return int(seconds / 60 + 0.5) " min" }
# By what the classes took before where that is known of most of them, else by how many are left.
function left(   share, spent) {
	spent = systime() - begun
	share = ahead > 0 && behind > 0 ? behind / ahead : done / total
	return share >= 1 ? "" : ", about " minutes(spent * (1 - share) / share) " left"
}
/Tests run: .* -- in / {
	class = $NF
	seconds = $0; sub(/.*Time elapsed: /, "", seconds); sub(/ s.*/, "", seconds)
	owner = class; sub(/\$.*/, "", owner)
	if (owner in module && !(owner in seen)) {
		seen[owner] = 1
		behind += known[owner]
		printf "%d of %d%s: %s %s %s s\n", ++done, total, left(), module[owner], class, seconds
	}
}
/^\[ERROR\]/ { isError = 1 }
/^\[(INFO|WARNING)\]/ { isError = 0 }
isError { print }
/^[ \t]*$/ { isError = 0 }
{ fflush() }
