/* SPDX-License-Identifier: BSD-2-Clause */
/* cond.h - whether the file is to be sent at all, and whether a part of it may
 * be (RFC 9110 13). */
#ifndef STATIC_COND_H
#define STATIC_COND_H

#include <etude.h>

#include "ask.h"

/* What a file is known by. */
struct validators {
    et_str etag;   /* strong, with its quotes; empty: none */
    int64_t mtime; /* s since 1970, not later than when it was described */
};

enum cond {
    COND_SEND,         /* as if nothing had been asked */
    COND_NOT_MODIFIED, /* 304 */
    COND_FAILED,       /* 412 */
};

/* In the order of RFC 9110 13.2.2, for GET and HEAD. [worker] */
enum cond cond_judge(const et_req *r, const struct ask *a,
                     const struct validators *v);
/* Of a request with Range: true if If-Range does not say that all of it is
 * wanted (13.1.5); now_s: what Date says. [worker] */
int cond_may_be_part(const struct ask *a, const struct validators *v,
                     int64_t now_s);

#endif
