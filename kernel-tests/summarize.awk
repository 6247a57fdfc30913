# Test reports of Surefire in, a line for each test that is worth one out, then the count. Variables: mode (strict: a kernel test
# that skipped itself has failed), kernel_classes (their names with blanks between), may_skip (a file of those that may).
BEGIN {
	while ((getline line < may_skip) > 0)
		if (split(line, words, " ") && words[1] !~ /^#/) allowed[words[1]] = 1
	for (i = split(kernel_classes, words, " "); i > 0; i--) kernel[words[i]] = 1
	RS = "<"
}
function attribute(name,   rest) {
	if (!index($0, " " name "=\"")) return ""
	rest = substr($0, index($0, " " name "=\"") + length(name) + 3)
	return substr(rest, 1, index(rest, "\"") - 1)
}
function settle(   owner, method) {
	owner = class; sub(/[$[].*/, "", owner)    # a nested class, or one of the runs of a parameterised one
	method = name; sub(/[[({ ].*/, "", method)
	if (outcome == "skipped" && mode == "strict" && (owner in kernel) && !(owner in allowed) && !((owner "#" method) in allowed)) {
		outcome = "failed"
		print "SKIPPED  " class " " name "  (counts as failed: a kernel test, and not named in kernel-tests/may-skip.txt)"
	} else if (outcome == "failed") print "FAILED   " class " " name why
	else if (outcome == "skipped") print "SKIPPED  " class " " name
	count[outcome]++
	outcome = why = ""
}
# The beginning of a message, on one line.
function told(message) {
	gsub(/&#(10|13|9);/, " ", message); gsub(/  +/, " ", message); sub(/^ /, "", message)
	gsub(/&lt;/, "<", message); gsub(/&gt;/, ">", message); gsub(/&quot;/, "\"", message); gsub(/&apos;/, "'", message); gsub(/&amp;/, "\\&", message)
	return message == "" ? "" : ": " substr(message, 1, 800)
}
/^!\[CDATA\[/ { cdata = 1 }
cdata { if (index($0, "]]>")) cdata = 0; next }
/^testcase[ \/>]/ { if (outcome) settle(); outcome = "passed"; class = attribute("classname"); name = attribute("name") }
/^(failure|error)[ \/>]/ { if (outcome) { outcome = "failed"; why = told(attribute("message")) } }
/^skipped[ \/>]/ { if (outcome) outcome = "skipped" }
END {
	if (outcome) settle()
	printf "%d passed, %d failed, %d skipped\n", count["passed"], count["failed"], count["skipped"]
	exit count["failed"] > 0 || count["passed"] == 0
}
