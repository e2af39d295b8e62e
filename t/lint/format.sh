#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# format.sh [-i] - C sources look as .clang-format says (-i: make them so).
# format.skip lists the files and folders/ that are laid out otherwise.
set -u
cd "$(dirname "$0")/../.." || exit 2

command -v clang-format >/dev/null 2>&1 || {
    echo "clang-format not found: ./configure --install-deps" >&2
    exit 1
}
sources() {
    find core plugins t -name '*.[ch]' | sort |
        grep -v "$(sed 's/[ #].*//; /^$/d; s/^/^/' t/lint/format.skip)"
}

if [ "${1:-}" = -i ]; then
    sources | xargs clang-format -i
    exit
fi
sources | xargs clang-format --dry-run 2>&1 |
    sed -n 's/^\([^: ]*:[0-9]*\):[0-9]*: warning: .*/\1: not formatted/p' |
    grep . && exit 1
exit 0
