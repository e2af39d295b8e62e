#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# spdx.sh - every file names its licence within its first two lines, but for
# those that cannot have a comment: the corpora, data, and LICENSE itself.
set -u
cd "$(dirname "$0")/../.." || exit 2

bad=0
for file in $(find . -type f ! -path './build*' ! -path './.git/*' \
    ! -path './t/fuzz/corpus/*' ! -path './t/golden/*.txt' ! -name '*.so' \
    ! -path './conf/www/*.br' ! -path './conf/www/*.gz' \
    ! -path './conf/www/*.zst' ! -name '*.json' ! -name '*~' ! -name '*.log' ! -path './Makefile' \
    ! -path './LICENSE' ! -path './conf/conf.d/*.ini' | sort); do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: BSD-2-Clause' ||
        { echo "$file:1: no SPDX line"; bad=1; }
done
exit $bad
