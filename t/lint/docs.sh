#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# docs.sh - every public function of core has a comment: directly above its
# prototype, or above the group of prototypes that it stands in.
#
# shellcheck disable=SC2016 # the program below is not for this shell
set -u
cd "$(dirname "$0")/../.." || exit 2

find core -name '*.h' | sort | xargs awk '
FNR == 1 { covered = 0; depth = 0; text = ""; in_comment = 0; continued = 0 }

# A comment covers what follows, until a blank line that no prototype
# preceded in the same group.
in_comment { if (/\*\//) { in_comment = 0; covered = 1 } next }
/^[ \t]*\/\*/ && !/\*\// { in_comment = 1; next }
/^[ \t]*\/\*/ { covered = 1; next }
/^[ \t]*$/ { if (text == "") covered = 0; next }

# Preprocessor lines, with what they continue on.
continued || /^#/ { continued = /\\$/; next }

# Bodies of structs, enums and inline functions do not matter.
{
    line = $0
    gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
    gsub(/\/\*.*\*\//, "", line)
    opened = gsub(/\{/, "{", line)
    closed = gsub(/\}/, "}", line)
    if (depth == 0) {
        if (text == "") { first = FNR; first_covered = covered }
        text = text " " line
    }
    depth += opened - closed
    if (depth == 0 && (line ~ /;[ \t]*$/ || closed > 0)) {
        if (text ~ /\(/ && text !~ /\{/ && text !~ /static|typedef|_assert/ &&
            text !~ /extern +"C"/ && !first_covered) {
            sub(/^ +/, "", text)
            printf "%s:%d: not documented: %s\n", FILENAME, first, text
            bad = 1
        }
        text = ""
    }
}
END { exit bad }'
