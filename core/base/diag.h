/* SPDX-License-Identifier: BSD-2-Clause */
/* diag.h - everything that is wrong with a configuration, all of it.
 *
 * A diag collects messages with the place they are about; nothing stops at the
 * first.  Notes are for whoever debugs: they go to a log, and diag_print leaves
 * them out.  A message printed:
 *
 *     conf/etude.ini:12: [route users] handler: ...
 *
 * What is kept is bounded; what is counted is not, and the difference is told
 * last.  Invariant: kept + untold <= n_errors (n_warnings), less only what a
 * diag that says everything once was told again. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/check.h"

/* Messages kept of a kind; further ones are counted. */
#define DIAG_MAX_KEPT 16384u

/* Where a value stood.  The strings outlive the place (a bundle's or
 * generation's memory).  file NULL: no file; line 0: the file as a whole. */
struct place {
    const char *file;
    uint32_t line;
};

enum diag_kind { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };
#define DIAG_KINDS 3

struct diag_item {
    struct diag_item *next;
    struct diag_item *bucket; /* of diag.buckets */
    enum diag_kind kind;
    char text[]; /* "file:line: message" */
};

struct diag_share { /* of a kind */
    uint32_t kept;
    uint32_t untold; /* counted only: no room, no memory */
};

#define DIAG_BUCKETS 256u

struct diag {
    struct diag_item *first, **last;
    struct diag_item *buckets[DIAG_BUCKETS]; /* by text */
    struct diag_share share[DIAG_KINDS];
    uint32_t n_errors, n_warnings;
    int says_once; /* set after init: the same text again is counted only */
};

/* No messages yet. [control] */
void diag_init(struct diag *d);
/* n more of a kind that nobody has room for: they are counted. [control] */
void diag_more(struct diag *d, enum diag_kind kind, uint32_t n);
/* Free the messages; d is as after init. [control] */
void diag_fini(struct diag *d);
/* Add an error, a warning or a note.  at may be NULL.  Never fails: without
 * memory, or with DIAG_MAX_KEPT there, it still counts. [control] */
void diag_error(struct diag *d, const struct place *at, const char *fmt, ...)
    PRINTF(3, 4);
void diag_warn(struct diag *d, const struct place *at, const char *fmt, ...)
    PRINTF(3, 4);
void diag_note(struct diag *d, const struct place *at, const char *fmt, ...)
    PRINTF(3, 4);
/* Add to d, and count there, what from has and d does not say already, word for
 * word. [control] */
void diag_merge(struct diag *d, const struct diag *from);
#define DIAG_REST_LEN 64
/* "and 3 more error(s), 1 more warning(s)": those that were not kept, in buf;
 * NULL if all were. [any] */
const char *diag_rest(const struct diag *d, char buf[DIAG_REST_LEN]);
/* Write errors and warnings, a line each, warnings marked, the rest last.
 * [control] */
void diag_print(const struct diag *d, FILE *out);
/* The known name closest to got if it is close enough to suggest (edit
 * distance <= 1 + len/4), else NULL. [any] */
const char *diag_nearest(const char *got, const char *const *known, size_t n);

#endif
