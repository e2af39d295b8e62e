/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.h - a line of JSON in the making: what an administrator is told.
 *
 *     {"ok":true,"generation":3, ...}
 *     {"ok":false,"exit":1,"error":"...","errors":["...", ...]}
 *
 * "exit" is the code a command line ends with; "text", where it was asked for,
 * is all there is to say in words.  Memory may be short: then the answer says
 * that. */
#ifndef CTL_ANSWER_H
#define CTL_ANSWER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/check.h"
#include "base/diag.h"

/* A text that grows; out is written to between begin and end. */
struct answer {
    FILE *out; /* NULL: no memory */
    char *text;
    size_t n;
    int is_broken; /* set it where something did not get into out */
};

/* An empty text. [control] */
void answer_begin(struct answer *a);
/* It is whole: text and n say so, on one line; without memory they are an
 * answer that says that.  Give it back with answer_free. [control] */
void answer_end(struct answer *a);
/* What was written, no answer but a part of one, as the caller's to free; NULL
 * without memory. [control] */
char *answer_take(struct answer *a);
/* Nothing is left of it. [control] */
void answer_free(struct answer *a);

/* The whole of an answer that refuses something, with this exit code; then as
 * after answer_end. [control] */
void answer_refuse(struct answer *a, int code, const char *fmt, ...)
    PRINTF(3, 4);
void answer_vrefuse(struct answer *a, int code, const char *fmt, va_list ap)
    PRINTF(3, 0);
/* The whole of one that has but this process's number to say. [control] */
void answer_pid(struct answer *a);
/* The whole of one about a server that has ended with this code, which is not
 * SERVER_OK. [control] */
void answer_end_of(struct answer *a, int code);
/* A member of texts of that kind, at most max of them, and last what was not
 * kept or has no room: ,"errors":[...] [control] */
void answer_diag(FILE *out, const struct diag *d, enum diag_kind kind,
                 const char *name, uint32_t max);

/* The whole of an answer about a reload that has ended: what it changed, of a
 * good one, and all that d says; generation is what serves now. [control] */
void answer_outcome(struct answer *a, int is_good, uint64_t generation,
                    const char *changes, const struct diag *d);

/* The answer that another process has written to fd, which stays the caller's:
 * 0, and as after answer_end; or -errno, and a is nothing: -EPROTO it is no
 * answer.  Which process that was need not be trusted. [control] */
MUST_USE int answer_read(struct answer *a, int fd);
/* What follows "ok":true, in an answer that was read, its last bracket
 * included, and how many bytes that is; NULL: it does not begin so. [any] */
const char *answer_members(const struct answer *a, size_t *n);

#endif
