/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.h - what of RFC 9111 is arithmetic: whether an answer may be stored,
 * and what a stored one is good for at an age.  No request, no clock. */
#ifndef CACHE_POLICY_H
#define CACHE_POLICY_H

#include <etude.h>

#include "control.h"

/* What holds where an answer says nothing; milliseconds. */
struct rules {
    int64_t ttl_ms;          /* of 200, 203, 300, 301, 308 */
    int64_t ttl_negative_ms; /* of 404 and 410 */
    int64_t stale_while_revalidate_ms, stale_if_error_ms;
};

/* What an answer says about itself. */
struct facts {
    uint32_t status;
    struct control control;
    et_str expires;        /* absent: there is none */
    et_str age;            /* likewise */
    int64_t now_s;         /* Date */
    uint8_t sets_cookie;   /* Set-Cookie */
    uint8_t varies_on_all; /* Vary: * */
    uint8_t is_authorized; /* it was asked for with credentials */
};

/* For how long a stored answer is what, by its age. */
struct terms {
    int64_t age_ms;    /* that it had when it came */
    int64_t fresh_ms;  /* fresh below that, then stale */
    int64_t while_ms;  /* ... served stale below that, while one asks anew */
    int64_t error_ms;  /* ... and below that, if that one gets an error */
    uint8_t is_public; /* fine for who has shown credentials (3.5) */
};

enum use { USE_FRESH, USE_WHILE, USE_ERROR, USE_NOT };

/* May a shared cache store it (RFC 9111 3), and is that of any use: 1 and *out;
 * or 0.  What is stale cannot be validated with whom it came from, so that
 * no-cache is as no-store, and what can be served to nobody at once is not
 * stored; how long it may be stale by the rules does not count for that. [any]
 */
int policy_judge(const struct rules *rules, const struct facts *f,
                 struct terms *out);
/* What one of that age is good for (4.2, 4.2.4; RFC 5861). [any] */
enum use policy_use(const struct terms *t, int64_t age_ms);
/* Does a request with that method that was answered so change what it names
 * (4.4)?  [any] */
int policy_invalidates(uint32_t method, uint32_t status);

#endif
