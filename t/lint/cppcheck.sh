#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# cppcheck.sh BUILD - core and the plugins, clean; cppcheck.supp says what is
# not asked and why.  Results are kept in BUILD/cppcheck for the next time.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${1:-build}

command -v cppcheck >/dev/null 2>&1 || {
    echo "cppcheck not found: ./configure --install-deps" >&2
    exit 1
}
mkdir -p "$build/cppcheck"
sed 's/ *#.*//; /^$/d' t/lint/cppcheck.supp >"$build/cppcheck/supp"
common="--enable=warning,performance,portability --inline-suppr --quiet
    --error-exitcode=1 --suppressions-list=$build/cppcheck/supp
    --template={file}:{line}:{severity}:{id}:{message}
    -D_GNU_SOURCE -D__x86_64__ -D__GNUC__=12 -D__has_attribute(x)=0"
# shellcheck disable=SC2086 # a list of words
cppcheck $common -j "$(nproc)" --cppcheck-build-dir="$build/cppcheck" \
    --std=c11 -Icore -Icore/abi -Ibuild core plugins 2>&1
