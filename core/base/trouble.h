/* SPDX-License-Identifier: BSD-2-Clause */
/* trouble.h - something is short: say so once, and once that it is over.
 *
 *     over -> [begin: say] -> short -> [begin ...] -> [end: say] -> over
 *
 * What comes and goes many times a second is said at most every
 * TROUBLE_QUIET_MS; an end is said if its begin was.  The words are the
 * caller's.  Zeroed memory is no trouble; time is an argument. */
#ifndef BASE_TROUBLE_H
#define BASE_TROUBLE_H

#include <stdint.h>

#define TROUBLE_QUIET_MS 5000u

struct trouble {
    uint64_t quiet_until_ms;
    uint8_t is_on, is_said;
};

/* It is short.  True if that is to be said. [owner] */
int trouble_begin(struct trouble *t, uint64_t now_ms);
/* It is not.  True if that is to be said. [owner] */
int trouble_end(struct trouble *t);

#endif
