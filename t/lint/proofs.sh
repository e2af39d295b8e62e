#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# proofs.sh - a test that t/README.md names as `file.c: test_case` is there.
#
# shellcheck disable=SC2016 # the quotes of Markdown
set -u
cd "$(dirname "$0")/../.." || exit 2

grep -oE '`[a-z0-9_/]+\.c: [a-z0-9_]+`' t/README.md | tr -d '`' | sort -u |
    while IFS=': ' read -r file name; do
        grep -qsx "START_TEST($name)" "t/$file" ||
            echo "t/README.md:1: t/$file has no $name"
    done | grep . && exit 1
exit 0
