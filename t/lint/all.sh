#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# all.sh BUILD - every lint, each with its time; fails if one of them does.
# Each is a script of its own beside this one and can be run alone.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${1:-build}

failed=
for lint in spdx words layers names headers tags docs proofs heap recipes format \
    clang cppcheck; do
    started=$(date +%s)
    if out=$(t/lint/$lint.sh "$build" 2>&1); then
        state=ok
    else
        state=FAILED
        failed="$failed $lint"
    fi
    printf '%-10s %s (%d s)\n' "$lint" "$state" "$(($(date +%s) - started))"
    [ $state = ok ] || printf '%s\n' "$out"
done
[ -z "$failed" ] || { echo "lint failed:$failed"; exit 1; }
echo "lint passed"
