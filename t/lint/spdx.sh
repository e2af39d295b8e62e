#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# spdx.sh - every source file names its licence within its first two lines.
set -u
cd "$(dirname "$0")/../.." || exit 2

bad=0
for file in $(find core plugins t .ci configure Makefile.in -type f \
    ! -path 't/fuzz/corpus/*' \( -name '*.[ch]' -o -name '*.cc' \
    -o -name '*.sh' -o -name '*.in' -o -name '*.map' -o -perm -u+x \) |
    sort); do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: BSD-2-Clause' ||
        { echo "$file:1: no SPDX line"; bad=1; }
done
exit $bad
