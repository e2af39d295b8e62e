/* SPDX-License-Identifier: BSD-2-Clause */
/* backlog.c - a queue of messages keeps their order and lets go of them all.
 * tags: asan */
#include "http/backlog.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "http/message.h"
#include "t/lib/unit.h"

#define MAX_CHUNKS 4u
#define ROOM (MAX_CHUNKS * BACKLOG_CHUNK)

static struct slab chunks;
static struct backlog queue;

static void
set_up(void)
{
    ck_assert_int_eq(
        slab_init(&chunks, sizeof(struct backlog_chunk), MAX_CHUNKS), 0);
    queue = (struct backlog){0};
}

static void
tear_down(void)
{
    backlog_clear(&queue, &chunks);
    ck_assert_uint_eq(queue.n, 0);
    ck_assert_uint_eq(queue.bytes, 0);
    ck_assert_ptr_null(queue.first);
    ck_assert_uint_eq(chunks.n_used, 0);
    ck_assert_uint_eq(message_bytes(), 0);
    slab_fini(&chunks);
}

/* Number n; 0 or ERR_NOMEM. */
static int
push(uint32_t n)
{
    struct message *m;
    int rc;

    ck_assert_int_eq(message_new(&m, 0, 0, (et_str){"x", 1},
                                 (et_str){(const char *)&n, sizeof n}),
                     0);
    rc = backlog_push(&queue, &chunks, m);
    message_unref(m, 1);
    return rc;
}

static uint32_t
pop(void)
{
    struct message *m = backlog_pop(&queue, &chunks);
    uint32_t n;

    ck_assert_ptr_nonnull(m);
    memcpy(&n, m->body.p, sizeof n);
    message_unref(m, 1);
    return n;
}

START_TEST(the_oldest_is_first)
{
    uint32_t in = 0, out = 0;

    set_up();
    srand(4);
    for (int i = 0; i < 100000; i++) {
        if (in - out < ROOM - BACKLOG_CHUNK && rand() % 2)
            ck_assert_int_eq(push(in++), 0);
        else if (in != out)
            ck_assert_uint_eq(pop(), out++);
        else
            ck_assert_ptr_null(backlog_pop(&queue, &chunks));
        ck_assert_uint_eq(queue.n, in - out);
        ck_assert_int_eq(queue.n == 0, queue.bytes == 0);
        ck_assert_uint_le(chunks.n_used, (queue.n + 12) / BACKLOG_CHUNK);
    }
    tear_down();
}
END_TEST

START_TEST(there_is_room_for_so_many)
{
    set_up();
    for (uint32_t i = 0; i < ROOM; i++)
        ck_assert_int_eq(push(i), 0);
    ck_assert_int_eq(push(ROOM), ERR_NOMEM);
    ck_assert_uint_eq(queue.n, ROOM);
    for (uint32_t i = 0; i < BACKLOG_CHUNK; i++)
        ck_assert_uint_eq(pop(), i);
    ck_assert_int_eq(push(ROOM), 0);
    tear_down();
}
END_TEST

UNIT_MAIN(backlog, the_oldest_is_first, there_is_room_for_so_many)
