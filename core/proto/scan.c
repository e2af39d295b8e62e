/* SPDX-License-Identifier: BSD-2-Clause */
/* scan.c - see scan.h: which of its variants this CPU can run. */
#include "proto/scan.h"

enum scan_level
scan_best(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("ssse3"))
        return SCAN_SSSE3;
#endif
    return SCAN_PLAIN;
}
