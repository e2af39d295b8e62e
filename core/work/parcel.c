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

struct parcel *
parcel_pooled(struct parcel *pool, uint32_t n, int fd, const struct handed *h)
{
    for (struct parcel *p = pool; p < pool + n; p++) {
        if (atomic_load_explicit(&p->is_out, memory_order_acquire))
            continue;
        p->fd = fd;
        p->handed = *h;
        p->is_pooled = 1;
        atomic_store_explicit(&p->is_out, 1, memory_order_relaxed);
        return p;
    }
    return NULL;
}

void
parcel_free(struct parcel *p)
{
    if (p->is_pooled)
        atomic_store_explicit(&p->is_out, 0, memory_order_release);
    else
        free(p);
}

void
parcel_drop(struct parcel *p)
{
    close(p->fd);
    parcel_free(p);
}

void
parcel_drop_record(const struct record *r)
{
    if (r->kind == RECORD_PARCEL)
        parcel_drop(parcel_of(r));
    else
        close(r->fd);
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
