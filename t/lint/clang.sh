#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# clang.sh - the second compiler has nothing to say either; gcc's own warnings
# appear in the build.  Skipped where there is no clang.
set -u
cd "$(dirname "$0")/../.." || exit 2

command -v clang >/dev/null 2>&1 || exit 0
warn='-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
    -Wno-implicit-int-float-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wundef -Wformat=2 -Werror -fsyntax-only'
bad=0
# shellcheck disable=SC2086 # a list of words, here and below
find core -name '*.c' | sort | xargs -P "$(nproc)" -n 8 clang -std=gnu11 $warn \
    -D_GNU_SOURCE= -Icore -Ibuild || bad=1
# shellcheck disable=SC2086
find plugins -path '*/t' -prune -o -name '*.c' -print | sort |
    xargs -P "$(nproc)" -n 8 clang -std=gnu11 $warn -Icore/abi || bad=1
exit $bad
