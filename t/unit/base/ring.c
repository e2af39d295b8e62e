/* SPDX-License-Identifier: BSD-2-Clause */
/* ring.c - records through a ring: whole, in order, at every offset. */
/* ldflags: -Wl,--wrap=mmap */
#include "base/ring.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "t/lib/unit.h"

static int fail_mmap;

void *__real_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);

void *
__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off)
{
    if (fail_mmap) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(p, n, prot, flags, fd, off);
}

static struct ring r;

/* Put a record of n bytes whose bytes are all c; 0 if there is no room. */
static int
put(size_t n, uint8_t c)
{
    uint8_t *p = ring_reserve(&r, n);

    if (!p)
        return 0;
    UNIT_HOLDS((uintptr_t)p % 8 == 0);
    UNIT_HOLDS((char *)p >= r.data && (char *)p + n <= r.data + r.len);
    memset(p, c, n);
    ring_publish(&r);
    return 1;
}

static void
get(size_t n, uint8_t c)
{
    size_t got;
    const uint8_t *p = ring_peek(&r, &got);

    UNIT_HOLDS(p != NULL);
    UNIT_HOLDS(got == ((n + 7) & ~(size_t)7));
    for (size_t i = 0; i < n; i++)
        UNIT_HOLDS(p[i] == c);
    ring_pop(&r);
}

START_TEST(an_empty_ring_has_nothing)
{
    size_t n;

    ck_assert_int_eq(ring_init(&r, 1024), 0);
    ck_assert_int_eq(ring_look(&r), 0);
    ck_assert_ptr_null(ring_peek(&r, &n));
    ring_fini(&r);
}
END_TEST

START_TEST(nothing_is_seen_before_publish_and_look)
{
    size_t n;
    char *p;

    ck_assert_int_eq(ring_init(&r, 1024), 0);
    p = ring_reserve(&r, 4);
    memcpy(p, "lost", 4);
    ck_assert_int_eq(ring_look(&r), 0);
    p = ring_reserve(&r, 4);
    memcpy(p, "kept", 4);
    ring_publish(&r);
    ck_assert_ptr_null(ring_peek(&r, &n));
    ck_assert_int_eq(ring_look(&r), 1);
    ck_assert_mem_eq(ring_peek(&r, &n), "kept", 4);
    ring_pop(&r);
    ck_assert_int_eq(ring_look(&r), 0);
    ring_fini(&r);
}
END_TEST

START_TEST(every_size_at_every_offset)
{
    ck_assert_int_eq(ring_init(&r, 1024), 0);
    for (size_t n = 0; n <= 504; n++) {
        for (int i = 0; i < 130; i++) {
            UNIT_HOLDS(put(n, (uint8_t)i));
            UNIT_HOLDS(ring_look(&r));
            get(n, (uint8_t)i);
        }
    }
    ck_assert_ptr_null(ring_reserve(&r, 505));
    ck_assert_ptr_null(ring_reserve(&r, SIZE_MAX));
    ring_fini(&r);
}
END_TEST

START_TEST(a_full_ring_takes_no_more_until_it_is_read)
{
    for (size_t n = 0; n <= 504; n += 7) {
        unsigned in = 0, out = 0;

        ck_assert_int_eq(ring_init(&r, 4096), 0);
        for (int round = 0; round < 20; round++) {
            while (put(n, (uint8_t)in))
                in++;
            UNIT_HOLDS((in - out) * (n + 8) <= 4096);
            UNIT_HOLDS((in - out) * (n + 15) + 1024 > 4096);
            ring_look(&r);
            for (unsigned k = 0; k <= (unsigned)round % 3; k++)
                get(n, (uint8_t)out++);
        }
        while (out < in)
            get(n, (uint8_t)out++);
        ring_fini(&r);
    }
}
END_TEST

#define RECORDS ((uint32_t)unit_rounds(100000))

static void *
produce(void *arg)
{
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint32_t *p, n = i * 7 % 90;

        while (!(p = ring_reserve(&r, (2 + n) * sizeof *p)))
            sched_yield();
        p[0] = i;
        p[1] = n;
        for (uint32_t k = 0; k < n; k++)
            p[2 + k] = i ^ k;
        ring_publish(&r);
    }
    return arg;
}

START_TEST(two_threads)
{
    pthread_t producer;
    uint32_t next = 0;

    ck_assert_int_eq(ring_init(&r, 2048), 0);
    ck_assert_int_eq(pthread_create(&producer, NULL, produce, NULL), 0);
    while (next < RECORDS) {
        const uint32_t *p;
        size_t bytes;

        if (!ring_look(&r))
            sched_yield();
        while ((p = ring_peek(&r, &bytes))) {
            UNIT_HOLDS(p[0] == next++);
            UNIT_HOLDS(bytes >= (2 + p[1]) * sizeof *p);
            for (uint32_t k = 0; k < p[1]; k++)
                UNIT_HOLDS(p[2 + k] == (p[0] ^ k));
            ring_pop(&r);
        }
    }
    pthread_join(producer, NULL);
    ring_fini(&r);
}
END_TEST

START_TEST(without_memory_there_is_no_ring)
{
    fail_mmap = 1;
    ck_assert_int_eq(ring_init(&r, 1024), ERR_NOMEM);
    ring_fini(&r);
}
END_TEST

UNIT_MAIN(ring, an_empty_ring_has_nothing,
          nothing_is_seen_before_publish_and_look, every_size_at_every_offset,
          a_full_ring_takes_no_more_until_it_is_read, two_threads,
          without_memory_there_is_no_ring)
