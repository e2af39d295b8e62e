/* SPDX-License-Identifier: BSD-2-Clause */
/* diag.h - everything that is wrong with a configuration, all of it.
 *
 * A diag collects messages with the place they are about; nothing stops at the
 * first.  A message printed:
 *
 *     conf/etude.ini:12: [route users] handler: ... */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/check.h"

/* Where a value stood.  The strings outlive the place (a bundle's or
 * generation's memory).  file NULL: no file; line 0: the file as a whole. */
struct place {
    const char *file;
    uint32_t line;
};

struct diag_item {
    struct diag_item *next;
    int is_warning;
    char text[]; /* "file:line: message" */
};

struct diag {
    struct diag_item *first, **last;
    uint32_t n_errors, n_warnings;
};

/* No messages yet. [control] */
void diag_init(struct diag *d);
/* Free the messages; d is as after init. [control] */
void diag_fini(struct diag *d);
/* Add an error or a warning.  at may be NULL.  Never fails: without memory it
 * still counts. [control] */
void diag_error(struct diag *d, const struct place *at, const char *fmt, ...)
    PRINTF(3, 4);
void diag_warn(struct diag *d, const struct place *at, const char *fmt, ...)
    PRINTF(3, 4);
/* Write all, a line each, warnings marked. [control] */
void diag_print(const struct diag *d, FILE *out);
/* The known name closest to got if it is close enough to suggest (edit
 * distance <= 1 + len/4), else NULL. [any] */
const char *diag_nearest(const char *got, const char *const *known, size_t n);

#endif
