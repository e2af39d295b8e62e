/* SPDX-License-Identifier: BSD-2-Clause */
/* incoming.c - replies from a socket: whole, at every cut, and without memory.
 * tags: asan */
#include "http/incoming.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/blocks.h"
#include "t/lib/unit.h"

#define MORE INCOMING_MORE

static struct blocks blocks;
static struct incoming in;
static int fd[2];
static char body[4096];
static size_t n_body;

static void
set_up(int is_head, uint64_t max_body)
{
    blocks_init(&blocks, 1 << 20);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    incoming_init(&in, &blocks, is_head, max_body);
    n_body = 0;
}

static void
tear_down(void)
{
    incoming_fini(&in);
    ck_assert_uint_eq(blocks.out_bytes, 0);
    blocks_fini(&blocks);
    close(fd[0]);
    if (fd[1] >= 0)
        close(fd[1]);
}

static void
put(const char *p, size_t n)
{
    if (n > 0)
        ck_assert_int_eq(send(fd[1], p, n, 0), (ssize_t)n);
}

static void
end(void)
{
    close(fd[1]);
    fd[1] = -1;
}

/* Read what is there, step bytes at a time: the last rc. */
static int64_t
read_on(size_t step)
{
    int64_t rc;

    if (!in.has_head) {
        rc = incoming_head(&in, fd[0]);
        if (rc != 0)
            return rc;
    }
    while ((rc = incoming_read(&in, fd[0], body + n_body, step)) > 0) {
        ck_assert_int_le(rc, (int64_t)step);
        n_body += (size_t)rc;
        ck_assert_uint_lt(n_body, sizeof body - step);
    }
    return rc;
}

/* The first cut bytes, the rest, and the end: what comes of it. */
static int64_t
play(const char *text, size_t cut, int is_head, uint64_t max_body, size_t step)
{
    int64_t rc;

    set_up(is_head, max_body);
    put(text, cut);
    rc = read_on(step);
    if (rc == MORE) {
        put(text + cut, strlen(text) - cut);
        end();
        rc = read_on(step);
    }
    return rc;
}

static const struct row {
    const char *text;
    int is_head;
    uint64_t max_body;
    int64_t rc;
    const char *body;
    int stays;
} rows[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, 0, 0, "hello", 1},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, 5, 0, "hello", 1},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, 4, ET_ELIMIT, "",
     0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1, 0, 0, "", 1},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", 0, 0, ET_ECONN, "hell",
     0},
    {"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 204 No\r\n\r\n", 0, 0, 0, "", 1},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 0, 0, 0, "hi", 0},
    {"HTTP/1.1 200 OK\r\n\r\nhello", 0, 0, 0, "hello", 0},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX: y\r\n\r\n",
     0, 5, 0, "hello", 1},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n",
     0, 0, ET_ECONN, "hel", 0},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello", 0, 0,
     ET_EPROTO, "hel", 0},
    {"HTTP/1.1 101 Up\r\n\r\n", 0, 0, ET_EPROTO, "", 0},
    {"HTTP/1.1 200 OK\r\nA", 0, 0, ET_ECONN, "", 0},
    {"nonsense", 0, 0, ET_EPROTO, "", 0},
};

START_TEST(at_every_cut_it_is_the_same)
{
    static const size_t steps[] = {1, 2, 1000};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        for (size_t cut = 0; cut < strlen(r->text); cut++) {
            for (int j = 0; j < 3; j++) {
                int64_t rc =
                    play(r->text, cut, r->is_head, r->max_body, steps[j]);
                body[n_body] = '\0';
                ck_assert_msg(rc == r->rc, "%zu at %zu: %d", i, cut, (int)rc);
                ck_assert_str_eq(body, r->body);
                ck_assert_int_eq(incoming_may_stay(&in), r->stays);
                tear_down();
            }
        }
    }
}
END_TEST

START_TEST(what_is_too_much_is_cut_off)
{
    set_up(0, 4);
    put("HTTP/1.1 200 OK\r\n\r\nhello", 24);
    ck_assert_int_eq(incoming_head(&in, fd[0]), 0);
    ck_assert_int_eq(incoming_read(&in, fd[0], body, 100), ET_ELIMIT);
    tear_down();
    set_up(0, 4);
    put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", 50);
    ck_assert_int_eq(incoming_head(&in, fd[0]), 0);
    ck_assert_int_eq(incoming_read(&in, fd[0], body, 100), ET_ELIMIT);
    tear_down();
}
END_TEST

START_TEST(what_is_behind_it_spoils_the_connection)
{
    ck_assert_int_eq(
        play("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", 0, 0, 0, 9), 0);
    ck_assert(!incoming_may_stay(&in));
    tear_down();
}
END_TEST

START_TEST(a_long_head_grows_until_it_is_too_long)
{
    char line[1000];
    int32_t rc;
    int n = 0;

    set_up(0, 0);
    memset(line, 'a', sizeof line);
    memcpy(line, "A: ", 3);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    put("HTTP/1.1 200 OK\r\n", 17);
    while ((rc = incoming_head(&in, fd[0])) == MORE && n++ < 100)
        put(line, sizeof line);
    ck_assert_int_eq(rc, ET_EPROTO);
    ck_assert_int_gt(n, 30);
    tear_down();
}
END_TEST

START_TEST(so_many_may_come_before_it)
{
    static const char wait[] = "HTTP/1.1 102 Wait\r\n\r\n";

    for (unsigned i = 0; i < 2; i++) {
        set_up(0, 0);
        for (unsigned j = 0; j < INCOMING_INTERIM_MAX + i; j++)
            put(wait, sizeof wait - 1);
        ck_assert_int_eq(incoming_head(&in, fd[0]), i ? ET_EPROTO : MORE);
        tear_down();
    }
}
END_TEST

START_TEST(its_head_is_shown)
{
    static char first[4096];
    struct arena arena;
    et_reply y;

    arena_init(&arena, first, sizeof first, &blocks, 0);
    set_up(0, 0);
    put("HTTP/1.1 206 Part\r\nA: b\r\nLong-Name:  c d \r\n\r\nxyz", 47);
    ck_assert_int_eq(incoming_head(&in, fd[0]), 0);
    memset(&y, 0, sizeof y);
    ck_assert_int_eq(incoming_show(&in, &arena, &y), 0);
    tear_down(); /* it is a copy */
    ck_assert_uint_eq(y.status, 206);
    ck_assert_uint_eq(y.n_fields, 2);
    ck_assert_int_eq(y.length, -1);
    ck_assert_uint_eq(y.fields[1].name.n, 9);
    ck_assert_mem_eq(y.fields[1].name.p, "Long-Name", 9);
    ck_assert_uint_eq(y.fields[1].value.n, 3);
    ck_assert_mem_eq(y.fields[1].value.p, "c d", 3);
    arena_init(&arena, first, 16, &blocks, 0);
    set_up(0, 0);
    put("HTTP/1.1 206 Part\r\nA: b\r\n\r\n", 27);
    ck_assert_int_eq(incoming_head(&in, fd[0]), 0);
    ck_assert_int_eq(incoming_show(&in, &arena, &y), ET_ENOMEM);
    tear_down();
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    set_up(0, 0);
    blocks.max_bytes = 1024;
    put("HTTP/1.1 200 OK\r\n", 17);
    ck_assert_int_eq(incoming_head(&in, fd[0]), ET_ENOMEM);
    tear_down();
    set_up(0, 0);
    ck_assert_int_eq(incoming_head(&in, -1), ET_ECONN);
    tear_down();
}
END_TEST

UNIT_MAIN(incoming, at_every_cut_it_is_the_same, what_is_too_much_is_cut_off,
          what_is_behind_it_spoils_the_connection,
          a_long_head_grows_until_it_is_too_long, so_many_may_come_before_it,
          its_head_is_shown, without_memory_it_says_so)
