/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.c - memory and growth of the receive buffers; see pool.h. */
#include "io/pool.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Starving twice within so many turns is not an accident. */
#define POOL_TURNS 64
#define POOL_MAX 32768u /* the kernel's limit of a buffer ring */
#define POOL_PAGE 4096u

int
pool_open(struct pool *p, struct io_uring *ring, uint32_t n, uint32_t bytes)
{
    struct io_uring_buf_reg reg = {.bgid = POOL_GROUP};
    uint32_t power = 1, max;
    size_t ring_len;
    void *m;
    int rc;

    memset(p, 0, sizeof *p);
    while (power < n && power < POOL_MAX / POOL_GROWTH)
        power *= 2;
    max = power * POOL_GROWTH;
    ring_len = (max * sizeof(struct io_uring_buf) + POOL_PAGE - 1) &
               ~(size_t)(POOL_PAGE - 1);
    p->map_len = ring_len + (size_t)max * bytes;
    m = mmap(NULL, p->map_len, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m == MAP_FAILED)
        return -errno;
    /* A huge page would make all of it resident at the first touch. */
    (void)madvise(m, p->map_len, MADV_NOHUGEPAGE);
    reg.ring_addr = (uintptr_t)m;
    reg.ring_entries = max;
    rc = io_uring_register_buf_ring(ring, &reg, 0);
    if (rc < 0) {
        munmap(m, p->map_len);
        return rc;
    }
    p->ring = m;
    p->buffers = (char *)m + ring_len;
    p->bytes = bytes;
    p->mask = (uint16_t)(max - 1);
    while (p->n < power)
        pool_give(p, p->n++);
    pool_publish(p);
    return 0;
}

void
pool_close(struct pool *p)
{
    munmap(p->ring, p->map_len);
}

void
pool_starve(struct pool *p, uint64_t turn)
{
    uint64_t before = p->starved;
    uint32_t n = 2 * p->n;

    p->starved = turn;
    if (before == 0 || turn - before - 1 >= POOL_TURNS || p->n > p->mask)
        return;
    while (p->n < n)
        pool_give(p, p->n++);
}
