#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# words.sh - no notes to self, and nothing of the machine it was written on.
set -u
cd "$(dirname "$0")/../.." || exit 2

bad=0
forbid() {
    # shellcheck disable=SC2046 # a list of files
    grep -nIE "$1" $(find core plugins conf t .ci README.md CHANGELOG.md \
        LICENSE configure Makefile.in .editorconfig .gitignore -type f \
        ! -path 't/fuzz/corpus/*' ! -path t/lint/words.sh 2>/dev/null) && bad=1
}

forbid '(^|[^A-Za-z_])(TODO|FIXME|XXX|HACK)([^A-Za-z_]|$)'
forbid "(^|[ \"'=(:])/(work|root|home)/"
exit $bad
