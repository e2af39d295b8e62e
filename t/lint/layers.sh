#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# layers.sh - every include in core/ goes where core/LAYERS lets it, and the
# headers of one folder do not include each other in a circle.
#
# shellcheck disable=SC2016 # the program is for awk, not for the shell
set -u
cd "$(dirname "$0")/../.." || exit 2

find core -name '*.[ch]' | sort | xargs awk '
BEGIN {
    while ((getline line < "core/LAYERS") > 0) {
        if (line ~ /^#/ || line !~ /:/) continue
        name = line; sub(/:.*/, "", name)
        rest = line; sub(/^[^:]*:/, "", rest)
        known[name] = 1
        n = split(rest, words, " ")
        for (i = 1; i <= n; i++) may[name, words[i]] = 1
    }
}

function complain(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    bad = 1
}

# core/http/req.c -> http; core/main.c -> main
FNR == 1 {
    parts = split(FILENAME, path, "/")
    layer = parts > 2 ? path[2] : "main"
    if (!(layer in known)) complain("layer " layer " is not in core/LAYERS")
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    target = quoted[2]
    if (target == "config.h") next
    parts = split(target, to, "/")
    if (parts == 1 && layer == "abi") { to[2] = to[1]; to[1] = "abi"; parts = 2 }
    if (parts < 2) { complain("include \"" target "\": write its layer"); next }
    if (to[1] != layer && !((layer, to[1]) in may)) {
        complain("include \"" target "\": " layer " may not include " to[1])
        next
    }
    if (FILENAME ~ /\.h$/ && to[1] == layer) {
        from[++edges] = FILENAME
        into[edges] = "core/" layer "/" to[parts]
        where[edges] = FILENAME ":" FNR
    }
}

# Peel off edges that lead nowhere; what cannot be peeled is (on) a circle.
END {
    do {
        peeled = 0
        split("", leads)
        for (i = 1; i <= edges; i++)
            if (!gone[i]) leads[from[i]] = 1
        for (i = 1; i <= edges; i++)
            if (!gone[i] && !(into[i] in leads)) { gone[i] = 1; peeled = 1 }
    } while (peeled)
    do {
        peeled = 0
        split("", led)
        for (i = 1; i <= edges; i++)
            if (!gone[i]) led[into[i]] = 1
        for (i = 1; i <= edges; i++)
            if (!gone[i] && !(from[i] in led)) { gone[i] = 1; peeled = 1 }
    } while (peeled)
    for (i = 1; i <= edges; i++) {
        if (gone[i]) continue
        printf "%s: this and %s are on a circle of includes\n", where[i], into[i]
        bad = 1
    }
    exit bad
}'
