/* SPDX-License-Identifier: BSD-2-Clause */
/* parcel.c - see parcel.h. */
#include "work/parcel.h"

#include <stdlib.h>
#include <unistd.h>

struct parcel *
parcel_new(int fd, const struct handed *h)
{
    struct parcel *p = calloc(1, sizeof *p);

    if (!p) {
        close(fd);
        return NULL;
    }
    p->fd = fd;
    p->handed = *h;
    return p;
}

void
parcel_drop(struct parcel *p)
{
    close(p->fd);
    free(p);
}

struct record
parcel_record(struct parcel *p)
{
    return (struct record){.kind = RECORD_PARCEL,
                           .listener = p->handed.listener,
                           .fd = p->fd,
                           .arg = (uint64_t)(uintptr_t)p};
}

struct parcel *
parcel_of(const struct record *r)
{
    return (struct parcel *)(uintptr_t)r->arg; /* NOLINT: as it was put there */
}
