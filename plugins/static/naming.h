/* SPDX-License-Identifier: BSD-2-Clause */
/* naming.h - entity tags of contents, for who waits for them.
 *
 *     whose turn it is -> a slice of its file, by the pool -> all of it?
 *         ^                                                    |    |
 *         +---- the next one; who was it waits behind all <- no    yes -> all
 *                                                        who want it go on
 *
 * Of each site a worker has one slice (FILE_SLICE_BYTES) hashed at a time: no
 * other job of the pool waits for more than one of each.  How far a file has
 * come is kept with it, so that those who want the same go on with each other's
 * work, and with that of who has gone; where nobody waits nothing is hashed.
 *
 * Invariants: nobody waits unless it is somebody's turn; who waits, and whose
 * turn it is, has a request that has not come to its log step. */
#ifndef STATIC_NAMING_H
#define STATIC_NAMING_H

#include <etude.h>

struct file;

struct asker {                /* of a request; zeroed */
    struct asker *next, **at; /* among those that wait; at NULL: it does not */
    struct file *file;        /* that it wants a name of */
    et_token token;
    et_resume_fn then;
    int err; /* of its slice, as of file_hash_on */
};

struct naming {
    const et_async *async;
    struct asker *first, **end; /* that wait for their turn */
    struct asker *turn;         /* whose turn it is, or NULL */
};

/* Nobody waits. [worker] */
void naming_init(struct naming *n, const et_async *async);
/* Have f named, which is nameless and stays until the log step of r, the
 * request of the walk that a belongs to: WAITS, and its step is to return
 * ET_WAIT, then is called with 0 or -errno; or -errno. [worker] */
int naming_begin(et_req *r, struct naming *n, struct asker *a, struct file *f,
                 et_resume_fn then);
/* The request's log step: it wants nothing any more. [worker] */
void naming_leave(struct naming *n, struct asker *a);

#endif
