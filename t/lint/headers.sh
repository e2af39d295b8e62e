#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# headers.sh - every header compiles alone; those of core/abi in C++11 as
# well, as the first thing a plugin includes.
#
# headers.sh -1 HEADER does one: each has a compiler to itself, so that none
# lives on what the header before it brought in.
#
# shellcheck disable=SC2086 # lists of words
set -u
cd "$(dirname "$0")/../.." || exit 2
[ -f build/config.h ] || { echo "run ./configure first"; exit 2; }

warnings='-Wall -Wextra -Werror -Wno-unused-function -fsyntax-only'

alone_in_abi() {
    echo "#include <${1#core/abi/}>" |
        ${CC:-cc} -x c -std=c11 -Wpedantic $warnings -Icore/abi - || return 1
    [ -z "${CXX=g++}" ] || echo "#include <${1#core/abi/}>" |
        $CXX -x c++ -std=c++11 -Wpedantic $warnings -Icore/abi -
}

alone_in_core() {
    echo "#include \"${1#core/}\"" |
        ${CC:-cc} -x c -std=gnu11 -D_GNU_SOURCE= $warnings -Icore -Ibuild -
}

if [ "${1:-}" = -1 ]; then
    case $2 in
    core/abi/*) alone_in_abi "$2" ;;
    *) alone_in_core "$2" ;;
    esac || { echo "$2:1: does not compile alone"; exit 1; }
    exit 0
fi
find core -name '*.h' | sort | xargs -P "$(nproc)" -n 1 t/lint/headers.sh -1
