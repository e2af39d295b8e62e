/* SPDX-License-Identifier: BSD-2-Clause */
/* number.h - entries of a shelf that are numbers.
 *
 * Each is one 64-bit value for all threads and processes, changed by
 * comparing and swapping, so nothing is ever counted twice or lost.  One that
 * is 0 takes no room, and one that is not there, or is over, is 0.  The rules
 * that hold for all of it are those of shelf.h. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

#include "base/shelf.h"

/* The number of that name. [any] */
int64_t number_get(const struct shelf *s, const struct shelf_name *name,
                   uint64_t now_ms);
/* Make it `to` if it is *was: 1; 0, and *was is what it is instead; or
 * ERR_LIMIT: no room for one more.  It ends after ttl_ms from now (0: never;
 * SHELF_SAME_END: when it would have, or never if it begins). [any] */
MUST_USE int number_swap(const struct shelf *s, struct shelf_hand *hand,
                         const struct shelf_name *name, uint64_t whose,
                         int64_t *was, int64_t to, uint64_t ttl_ms);
/* Add delta and set *value to what it is then, within 0 and INT64_MAX.  Who
 * begins to count gives it ttl_ms to live; a later add may bring its end nearer
 * and never puts it off.  0 or ERR_LIMIT. [any] */
MUST_USE int number_add(const struct shelf *s, struct shelf_hand *hand,
                        const struct shelf_name *name, uint64_t whose,
                        int64_t delta, uint64_t ttl_ms, int64_t *value);

#endif
