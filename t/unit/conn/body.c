/* SPDX-License-Identifier: BSD-2-Clause */
/* body.c - a disk that is full at any moment of a body that goes there: it is
 * refused, said once, nothing of it stays, and the next one is stored.
 * tags: asan */
/* ldflags: -Wl,--wrap=write,--wrap=open */
#include "conn/body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "conn/env.h"
#include "http/req.h"
#include "t/lib/unit.h"

#define PIECE 1000u
#define PIECES 40u /* some in memory, then in the file */

/* The nth call from now on fails with err, as do those after it; -1: none. */
static int writes_left = -1, opens_left = -1, with_err;

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
    if (writes_left == 0 && fd > STDERR_FILENO) {
        errno = with_err;
        return -1;
    }
    if (writes_left > 0 && fd > STDERR_FILENO)
        writes_left--;
    return __real_write(fd, p, n);
}

int
__wrap_open(const char *path, int flags, ...)
{
    if (opens_left == 0) {
        errno = with_err;
        return -1;
    }
    return __real_open(path, flags, 0600);
}

static struct env env;
static struct metrics metrics;
static struct body_budget budget = {.memory_max = 1 << 20};
static struct req *r;
static int errors[2]; /* a pipe, in the place of stderr */

static void
setup(void)
{
    env.metrics = &metrics;
    env.budget = &budget;
    env.limits = (struct limits){.body_memory = 16384,
                                 .temp_max = 1 << 20,
                                 .temp_dir = "/tmp",
                                 .head = {.max_header = 8192}};
    env.clock.mono_ms = 1000;
    blocks_init(&env.blocks, 1 << 24);
    r = aligned_alloc(64, REQ_SLOT_BYTES);
    memset(r, 0, REQ_SLOT_BYTES);
    ck_assert_int_eq(pipe(errors), 0);
    ck_assert_int_ge(dup2(errors[1], STDERR_FILENO), 0);
}

static int is_chunked; /* then some of it is in memory before it is spilled */

/* The ith piece; its length. */
static size_t
write_piece(char *to, uint32_t i)
{
    size_t n = 0;

    if (is_chunked)
        n = (size_t)sprintf(to, "%x\r\n", PIECE);
    memset(to + n, (int)('a' + i % 23), PIECE);
    n += PIECE;
    if (is_chunked)
        n += (size_t)sprintf(to + n, "\r\n%s",
                             i == PIECES - 1 ? "0\r\n\r\n" : "");
    return n;
}

/* A body of PIECES; the first result that is not BODY_MORE. */
static int
feed(void)
{
    static char piece[PIECE + 32];
    struct body b;
    int rc = BODY_MORE;

    r->head.content_length = is_chunked ? 0 : PIECE * PIECES;
    r->head.is_chunked = (uint8_t)is_chunked;
    r->body = (et_str){NULL, 0};
    arena_init(&r->arena, r + 1, REQ_SLOT_BYTES - sizeof *r, &env.blocks,
               REQ_ARENA_MAX_BYTES);
    body_init(&b, &env, r, 1 << 20);
    ck_assert_int_eq(body_collect(&b), 0);
    for (uint32_t i = 0; i < PIECES && rc == BODY_MORE; i++) {
        size_t used;
        rc = body_feed(&b, piece, write_piece(piece, i), &used);
    }
    for (uint32_t i = 0; rc == BODY_DONE && i < PIECES; i++)
        ck_assert_int_eq(r->body.p[i * PIECE], 'a' + (int)i % 23);
    body_fini(&b);
    arena_reset(&r->arena);
    ck_assert_int_eq(budget.memory, 0);
    ck_assert_int_eq(budget.temp, 0);
    ck_assert_uint_eq(env.blocks.out_bytes, 0);
    return rc;
}

static void
expect_lines(int n, const char *text)
{
    static char got[4096];
    int lines = 0;
    ssize_t k;

    ck_assert_int_eq(__real_write(errors[1], ".", 1), 1);
    k = read(errors[0], got, sizeof got - 1);
    ck_assert_int_gt(k, 0);
    got[k] = '\0';
    for (const char *p = got; (p = strchr(p, '\n')); p++)
        lines++;
    ck_assert_msg(lines == n, "%d lines:\n%s", lines, got);
    if (n)
        unit_has(got, text);
}

static void
fill_disk_at_any_moment(void)
{
    int n_failed = 0;

    with_err = ENOSPC;
    ck_assert_int_eq(feed(), BODY_DONE);
    for (int at = 0;; at++) {
        writes_left = at;
        if (feed() == BODY_DONE)
            break;
        writes_left = at;
        ck_assert_int_eq(feed(), ERR_STORAGE);
        ck_assert_int_eq(feed(), ERR_STORAGE);
        n_failed++;
        expect_lines(1, "No space left on device");
        writes_left = -1;
        ck_assert_int_eq(feed(), BODY_DONE);
        ck_assert_int_eq(feed(), BODY_DONE);
        expect_lines(1, "buffered again");
        env.clock.mono_ms += 2 * TROUBLE_QUIET_MS;
    }
    ck_assert_int_gt(n_failed, 20);
}

START_TEST(a_disk_that_is_full_at_any_moment)
{
    fill_disk_at_any_moment();
}
END_TEST

START_TEST(and_one_that_is_when_the_length_was_not_known)
{
    is_chunked = 1;
    fill_disk_at_any_moment();
}
END_TEST

START_TEST(a_disk_without_an_inode)
{
    with_err = ENOSPC;
    opens_left = 0;
    ck_assert_int_eq(feed(), ERR_STORAGE);
    ck_assert_int_eq(feed(), ERR_STORAGE);
    expect_lines(1, "No space left on device");
    opens_left = -1;
    ck_assert_int_eq(feed(), BODY_DONE);
    expect_lines(1, "buffered again");
}
END_TEST

START_TEST(temp_max_is_said_too)
{
    env.limits.temp_max = 20000;
    ck_assert_int_eq(feed(), ERR_STORAGE);
    ck_assert_int_eq(feed(), ERR_STORAGE);
    expect_lines(1, "temp_max");
}
END_TEST

START_TEST(storage_that_fails_is_507)
{
    ck_assert_int_eq(err_status(ERR_STORAGE), 507);
}
END_TEST

UNIT_MAIN_IN(setup, NULL, body, a_disk_that_is_full_at_any_moment,
             and_one_that_is_when_the_length_was_not_known,
             a_disk_without_an_inode, temp_max_is_said_too,
             storage_that_fails_is_507)
