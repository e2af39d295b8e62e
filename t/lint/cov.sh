#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# cov.sh BUILD - after the tests ran there: lines of core/ that they reached,
# per file, least first, and in total.  The lines missed are in *.gcov there.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${1:-build-cov}

find core -name '*.c' | sort | while read -r file; do
    base=$build/${file%.c}
    [ -f "$base.gcno" ] || continue
    gcov -n -o "$(dirname "$base")" "$base.o" 2>/dev/null |
        awk -v file="$file" -v q="'" '
            $0 == "File " q file q { mine = 1; next }
            mine && /^Lines executed:/ {
                sub(/Lines executed:/, ""); split($0, part, /% of /)
                printf "%s %s %s\n", part[1], part[2], file; exit
            }
            mine && /^No executable lines/ { exit }
            /^File / { mine = 0 }'
done | sort -n | awk '
    { printf "%6.1f %% of %5d  %s\n", $1, $2, $3; all += $2; hit += $1 * $2 / 100 }
    END { if (all) printf "%6.1f %% of %5d  core/\n", 100 * hit / all, all }'
