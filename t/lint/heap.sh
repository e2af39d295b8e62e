#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# heap.sh - no heap where requests pass.  A call of the malloc family in these
# layers must be in heap.allow, with its reason: "file function-name reason".
# (That nothing is missed at run time is the business of an e2e test.)
#
# shellcheck disable=SC2016 # the program below is not for this shell
set -u
cd "$(dirname "$0")/../.." || exit 2

allow=t/lint/heap.allow
find core/base core/conn core/http core/io core/proto core/work -name '*.[ch]' |
    sort | xargs awk -v allow=$allow '
BEGIN {
    while ((getline line < allow) > 0) {
        if (line ~ /^#/ || line ~ /^[ \t]*$/) continue
        n = split(line, word, " ")
        if (n < 3) {
            printf "%s:1: \"%s\": needs a reason\n", allow, line
            bad = 1
        }
        may[word[1], word[2]] = line
    }
}
FNR == 1 { in_comment = 0 }
{
    line = $0
    if (in_comment) { if (!sub(/^.*\*\//, "", line)) next; in_comment = 0 }
    gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
    if (sub(/\/\*.*$/, "", line)) in_comment = 1
    gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
    while (match(line, /(^|[^a-zA-Z0-9_.>])(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf|aligned_alloc|posix_memalign|open_memstream|getline|getdelim)[ \t]*\(/)) {
        call = substr(line, RSTART, RLENGTH)
        gsub(/[^a-z_]/, "", call)
        if ((FILENAME, call) in may) used[FILENAME, call] = 1
        else {
            printf "%s:%d: %s: not in %s\n", FILENAME, FNR, call, allow
            bad = 1
        }
        line = substr(line, RSTART + RLENGTH)
    }
}
END {
    for (key in may) if (!(key in used)) {
        printf "%s:1: no longer needed: %s\n", allow, may[key]
        bad = 1
    }
    exit bad
}'
