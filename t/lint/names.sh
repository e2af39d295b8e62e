#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# names.sh BUILD - what core/<layer>/<stem>.c exports is named <stem> or begins
# with <stem>_.  Reads the objects, so it sees what the linker sees.  What takes
# the place of something that is not built (h2_none.c, none.c) has the names of that.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${1:-build}

find core -mindepth 2 -name '*.c' | sort | while read -r file; do
    stem=$(basename "$file" .c)
    object=$build/${file%.c}.o
    case $stem in *_none | none) continue ;; esac
    [ -f "$build/$(dirname "$file")/none.o" ] && [ ! -f "$object" ] && continue
    [ -f "$build/${file%"$stem.c"}${stem%%_*}_none.o" ] && continue
    [ -f "$object" ] || { echo "$file:1: $object is not built"; continue; }
    nm -g --defined-only "$object" 2>/dev/null |
        awk -v stem="$stem" -v file="$file" '
            NF < 3 || $3 ~ /^__/ { next }
            $3 == stem || index($3, stem "_") == 1 { next }
            { print file ":1: exports " $3 }'
done | grep . && exit 1
exit 0
