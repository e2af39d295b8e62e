/* SPDX-License-Identifier: BSD-2-Clause */
/* beneath.h - opening what lies beneath a root, without waiting or with. */
#ifndef STATIC_BENEATH_H
#define STATIC_BENEATH_H

#include <etude.h>

struct site;

/* Open path, relative and NUL-terminated, with flags of open(2), keeping to the
 * policy of symbolic links: a descriptor, or -errno.  Unless may_wait: -EAGAIN
 * where the answer is not in memory, or may not be. [any] */
int beneath_open(const struct site *s, const char *path, int flags,
                 int may_wait);
/* n bytes of fd from off on to p: how many, fewer at its end; or -errno,
 * -EAGAIN as above. [any] */
int64_t beneath_read(int fd, char *p, size_t n, uint64_t off, int may_wait);

#endif
