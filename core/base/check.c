/* SPDX-License-Identifier: BSD-2-Clause */
/* check.c - the end of a program that found itself wrong; see check.h. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
check_failed(const char *file, int line, const char *text)
{
    char out[512];
    int n = snprintf(out, sizeof out, "%s:%d: check failed: %s\n", file, line,
                     text);

    if (n >= (int)sizeof out) {
        n = sizeof out - 1;
        out[n - 1] = '\n';
    }
    /* One write, past any buffer; if it fails the abort still tells. */
    if (n > 0 && write(STDERR_FILENO, out, (size_t)n) < 0)
        abort();
    abort();
}
