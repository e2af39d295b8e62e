/* SPDX-License-Identifier: BSD-2-Clause */
/* spare.h - descriptors for orders, when plugins and clients have all others.
 *
 * An order needs descriptors: the line comes as one, or by a connection, and
 * its answer goes as one; a reload opens modules.  So a few of those that the
 * process may have are kept back from all threads by the limit itself, but
 * while the control thread is at work on something: what is above the limit
 * then stays open when it falls.  In that short time others may take them too;
 * they come back when they are closed.
 *
 *     0 ... everybody ... limit - n | ... n for the control thread ... limit */
#ifndef SERVE_SPARE_H
#define SERVE_SPARE_H

#include <stdint.h>

#define SPARE_MAX 24
#define SPARE_SHARE 16 /* at most one of so many */

/* Zeroed memory keeps nothing. */
struct spare {
    uint32_t n;
    uint32_t users;
};

/* Keep some back from now on; before anybody accepts, since an io_uring goes by
 * the limit that it was asked under. [control] */
void spare_open(struct spare *s);
/* They may be used, until as many calls say that they are not; inside of each
 * other if need be. [control] */
void spare_use(struct spare *s);
void spare_leave(struct spare *s);

#endif
