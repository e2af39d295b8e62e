/* SPDX-License-Identifier: BSD-2-Clause */
/* static_hash.c - the plugin static in a server, with entity tags of contents
 * that take their time to be hashed: others are served, what was done is done
 * once, and nothing for those who have gone.
 * tags: epoll asan tsan */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/slowfs.h"
#define UNIT_SECONDS 100
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD(path) "HEAD " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define CLIENTS 6
/* Reads of 64 KiB: of all of a huge file, and of what of it is hashed without
 * others having a turn (plugins/static/file.h). */
#define READS_ALL ((SLOWFS_HUGE + 65535) / 65536)
#define READS_SLICE 64

static struct server s;
static struct slowfs fs;

/* False: there is no such file system here. */
static int
start(int pool_threads)
{
    char ini[1024];

    if (!slowfs_mount(&fs, 0))
        return 0;
    fs.keeps_none = 1; /* each read is one that is counted */
    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 1\npool_threads = %d\n"
             "drain_timeout = 2s\n"
             "[plugin hello]\n"
             "[plugin static]\nroot = %s\netag = hash\n"
             "[route slow]\nmatch = GET /slow/*path\nhandler = static\n",
             pool_threads, fs.dir);
    server_start(&s, ini);
    return 1;
}

static void
stop(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
    slowfs_unmount(&fs);
}

/* What the worker was told before it has heard by then. */
static void
is_served(struct client *c)
{
    for (int i = 0; i < 1000; i++)
        client_expect(c, GET("/hello/x"), 200, NULL);
}

static void
wait_reading(void)
{
    for (int i = 0; i < 5000 && fs.n_reading == 0; i++)
        usleep(1000);
    ck_assert_int_gt(fs.n_reading, 0);
}

static void
take_tag(struct client *c, char tag[128])
{
    struct answer a = client_answer(c, 1);

    ck_assert_int_eq(a.status, 200);
    ck_assert_ptr_nonnull(answer_field(&a, "ETag", 0));
    snprintf(tag, 128, "%s", answer_field(&a, "ETag", 0));
    answer_free(&a);
}

START_TEST(who_wants_the_same_has_it_hashed_once)
{
    struct client c[CLIENTS];
    char first[128], tag[128];

    if (!start(8))
        return;
    fs.is_held = 1;
    for (int i = 0; i < CLIENTS; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], HEAD("/slow/huge"));
    }
    wait_reading();
    fs.is_held = 0;
    take_tag(&c[0], first);
    for (int i = 1; i < CLIENTS; i++) {
        take_tag(&c[i], tag);
        ck_assert_str_eq(tag, first);
    }
    client_puts(&c[0], HEAD("/slow/huge"));
    take_tag(&c[0], tag);
    ck_assert_str_eq(tag, first);
    ck_assert_int_eq(fs.n_read, READS_ALL);
    for (int i = 0; i < CLIENTS; i++)
        client_close(&c[i]);
    stop();
}
END_TEST

/* There is one thread, and the file never comes to its end. */
START_TEST(others_have_their_turn_behind_a_slice)
{
    struct client huge, small, other;
    char tag[128];

    if (!start(1))
        return;
    fs.is_held = 1;
    huge = client_open(&s);
    small = client_open(&s);
    other = client_open(&s);
    client_puts(&huge, HEAD("/slow/huge"));
    wait_reading();
    client_puts(&small, GET("/slow/small"));
    is_served(&other);
    fs.n_let = READS_SLICE + 1; /* of the slice, and of the other file */
    client_take(&small, 0, 200, NULL);
    ck_assert_int_le(fs.n_read, READS_SLICE + 1);
    fs.is_held = 0;
    take_tag(&huge, tag);
    ck_assert_int_eq(fs.n_read, READS_ALL + 1);
    client_close(&huge);
    client_close(&small);
    client_close(&other);
    stop();
}
END_TEST

START_TEST(for_who_has_gone_nothing_is_done)
{
    struct client c[CLIENTS], other;
    char tag[128];

    if (!start(CLIENTS))
        return;
    fs.is_held = 1;
    other = client_open(&s);
    for (int i = 0; i < CLIENTS; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], HEAD("/slow/huge"));
    }
    is_served(&other);
    wait_reading();
    for (int i = 0; i < CLIENTS; i++)
        client_close(&c[i]);
    is_served(&other);
    fs.is_held = 0;
    for (int i = 0; i < 3; i++) {
        client_expect(&other, GET("/slow/small"), 200, NULL);
        is_served(&other);
    }
    ck_assert_int_le(fs.n_read, READS_SLICE + 3);
    /* and what was done is done */
    client_puts(&other, HEAD("/slow/huge"));
    take_tag(&other, tag);
    ck_assert_int_le(fs.n_read, READS_ALL + 3);
    client_close(&other);
    stop();
}
END_TEST

/* One of them waits for its turn, the other for the job: when the first is told
 * the second has been, too. */
START_TEST(a_server_that_ends_says_so_to_who_waits)
{
    struct client c[2], other;

    if (!start(8))
        return;
    fs.is_held = 1;
    other = client_open(&s);
    for (int i = 0; i < 2; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], HEAD("/slow/huge"));
        wait_reading();
        is_served(&other);
    }
    client_close(&other);
    server_signal(&s, SIGTERM);
    client_take(&c[1], 1, 503, NULL);
    fs.n_let = READS_SLICE;
    client_take(&c[0], 1, 503, NULL);
    ck_assert_int_eq(fs.n_read, READS_SLICE);
    fs.is_held = 0;
    client_close(&c[0]);
    client_close(&c[1]);
    ck_assert_int_eq(server_wait(&s), 0);
    slowfs_unmount(&fs);
}
END_TEST

UNIT_MAIN(static_hash, who_wants_the_same_has_it_hashed_once,
          others_have_their_turn_behind_a_slice,
          for_who_has_gone_nothing_is_done,
          a_server_that_ends_says_so_to_who_waits)
