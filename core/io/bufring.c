/* SPDX-License-Identifier: BSD-2-Clause */
/* bufring.c - memory and growth of the receive buffers; see bufring.h. */
#include "io/bufring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Starving twice within so many turns is not an accident. */
#define BUFRING_TURNS 64
#define BUFRING_MAX 32768u /* the kernel's limit of a buffer ring */
#define BUFRING_PAGE 4096u

int
bufring_open(struct bufring *p, struct io_uring *ring, uint32_t n,
             uint32_t bytes)
{
    struct io_uring_buf_reg reg = {.bgid = BUFRING_GROUP};
    uint32_t power = 1, max;
    size_t ring_len, head_len;
    void *m;
    int rc;

    memset(p, 0, sizeof *p);
    while (power < n && power < BUFRING_MAX / BUFRING_GROWTH)
        power *= 2;
    max = power * BUFRING_GROWTH;
    ring_len = max * sizeof(struct io_uring_buf);
    head_len =
        (ring_len + max + BUFRING_PAGE - 1) & ~(size_t)(BUFRING_PAGE - 1);
    p->map_len = head_len + (size_t)max * bytes;
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
    p->is_kept = (uint8_t *)m + ring_len;
    p->buffers = (char *)m + head_len;
    p->bytes = bytes;
    p->mask = (uint16_t)(max - 1);
    p->n = p->n_least = power;
    for (uint32_t bid = 0; bid < power; bid++)
        bufring_give(p, bid);
    memset(p->is_kept + power, 1, max - power);
    bufring_publish(p);
    return 0;
}

void
bufring_close(struct bufring *p)
{
    munmap(p->ring, p->map_len);
}

void
bufring_starve(struct bufring *p, uint64_t turn)
{
    uint64_t before = p->starved;
    uint32_t bid = p->n;

    p->starved = turn;
    if (before == 0 || turn - before - 1 >= BUFRING_TURNS || p->n > p->mask)
        return;
    for (p->n *= 2; bid < p->n; bid++) {
        if (!p->is_kept[bid])
            continue; /* not back yet since there were as many before */
        p->is_kept[bid] = 0;
        bufring_give(p, bid);
    }
}

void
bufring_rest(struct bufring *p, uint64_t turn)
{
    if (p->n > p->n_least && turn - p->starved >= BUFRING_REST_TURNS)
        p->n /= 2;
}
