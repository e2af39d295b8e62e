/* SPDX-License-Identifier: BSD-2-Clause */
/* control.h - Cache-Control (RFC 9111 5.2, RFC 5861). */
#ifndef CACHE_CONTROL_H
#define CACHE_CONTROL_H

#include <etude.h>

/* Seconds: -1 where nothing is said.  What is no number is 0, which is the
 * careful reading of every one of them (4.2.1). */
struct control {
    int64_t max_age, s_maxage;
    int64_t stale_while_revalidate, stale_if_error;
    uint8_t no_store, no_cache, is_private, is_public;
    uint8_t must_revalidate, proxy_revalidate, only_if_cached;
};

/* The longest time that is understood: 68 years (RFC 9111 1.2.2). */
#define CONTROL_MAX_S INT64_C(2147483647)

/* Nothing is said. [any] */
void control_init(struct control *c);
/* One field's value more.  private and no-cache that name fields count as if
 * they did not; of a directive that comes twice the smaller number counts; a
 * value whose quotes are not those of quoted strings is as no-store. [any] */
void control_add(struct control *c, et_str value);
/* A number of seconds, such as Age: 0 to CONTROL_MAX_S; 0 if it is none. [any]
 */
int64_t control_seconds(et_str s);

#endif
