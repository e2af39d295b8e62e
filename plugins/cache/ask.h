/* SPDX-License-Identifier: BSD-2-Clause */
/* ask.h - what a request says that matters to a cache, found in one walk over
 * its fields. */
#ifndef CACHE_ASK_H
#define CACHE_ASK_H

#include <etude.h>

#include "control.h"

/* Bits of ask.has. */
#define ASK_IF_MATCH 1u
#define ASK_IF_NONE_MATCH 2u
#define ASK_IF_MODIFIED_SINCE 4u
#define ASK_IF_UNMODIFIED_SINCE 8u
#define ASK_IF_RANGE 16u
#define ASK_RANGE 32u
#define ASK_AUTHORIZATION 64u
#define ASK_COOKIE 128u
#define ASK_UPGRADE 256u
#define ASK_CACHE_CONTROL 512u
#define ASK_PRAGMA 1024u
#define ASK_HOST 2048u

/* What a cache does not judge (RFC 9111 4.3.2), and what is no question. */
#define ASK_FOR_ORIGIN (ASK_IF_MATCH | ASK_IF_UNMODIFIED_SINCE | ASK_UPGRADE)
/* With these the answer may be less than all there is. */
#define ASK_FOR_LESS (ASK_IF_NONE_MATCH | ASK_IF_MODIFIED_SINCE | ASK_RANGE)

struct ask {
    uint32_t has;
    /* Empty where there are two of them: a list of dates is no date (RFC 9110
     * 13.1.3), and one field's parts are no other's. */
    et_str if_modified_since, if_range, range, host;
    struct control control; /* Pragma: no-cache is in it */
};

/* [worker] */
void ask_read(const et_req *r, struct ask *a);

#endif
