#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# tags.sh - who says in which further runs a test takes part says so as the
# Makefile reads it: on a line that has nothing else.
set -u
cd "$(dirname "$0")/../.." || exit 2

grep -rn 'tags:' t plugins --include='*.c' |
    grep -vE ':[0-9]+:(/| )\* tags:( (epoll|asan|tsan|tls|h2|plain))+( \*/)?$' && exit 1
exit 0
