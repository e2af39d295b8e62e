/* SPDX-License-Identifier: BSD-2-Clause */
/* warm.h - files that are sent, but not in memory yet: nobody waits for a disk.
 *
 *     warm_is_ready --- yes ---> sendfile, pread: of memory only
 *          | no
 *     warm_start ---> a job reads it into the page cache ---> on_ready of c
 *
 * A file is looked at a window at a time, without waiting (RWF_NOWAIT), at some
 * places of it; where a file system cannot tell, it counts as not there.  What
 * a job has read counts as there, whatever has become of it since: there is one
 * job for each window, so that a file system that keeps nothing is sent, too.
 * The price is that a hole between two looks is waited for after all. */
#ifndef CONN_WARM_H
#define CONN_WARM_H

#include <stdint.h>

#include "base/check.h"

struct conn;
struct segment;
struct warm;

/* Of a file, at most this much at once is looked at, and then sent. */
#define WARM_BYTES (1u << 20)

/* What a connection knows of the file that it sends. */
struct warm_state {
    struct warm *job; /* that reads it; NULL: none */
    const struct segment *of;
    uint64_t end; /* of the file: as far as that it is in memory */
};

/* Is the front of s, a FILE of c's with n bytes of it to be sent (at most
 * WARM_BYTES), in memory? [worker] */
int warm_is_ready(struct conn *c, const struct segment *s, uint64_t n);
/* Have it read: 0, and c is told as if its socket were writable; or ET_ELIMIT,
 * ET_ENOMEM. [worker] */
MUST_USE int warm_start(struct conn *c, const struct segment *s);
/* c does not wait any more. [worker] */
void warm_forget(struct conn *c);

#endif
