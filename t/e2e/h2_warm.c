/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_warm.c - files that HTTP/2 sends from a file system that takes its time,
 * when no thread is left to read them: the worker serves others meanwhile.
 * tags: epoll asan tsan plain */
#include <stdio.h>
#include <unistd.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#include "t/lib/slowfs.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

/* One that is read, one that waits for that, and those nobody reads. */
enum { FILES = 4 };

static struct server s;
static struct slowfs fs;

static int
start(void)
{
    char ini[512];

    if (!slowfs_mount(&fs, 0))
        return 0;
    snprintf(ini, sizeof ini,
             FRAMES_SERVER "pool_threads = 1\npool_queue = 1\n"
                           "[plugin answers]\nfile = %s/large\n",
             fs.dir);
    server_start(&s, ini);
    fs.keeps_all = fs.is_held = 1;
    return 1;
}

static void
stop(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
    slowfs_unmount(&fs);
}

static void
ask(struct frames *f, uint32_t stream)
{
    char path[32];

    snprintf(path, sizeof path, "/file/%d", SLOWFS_LARGE);
    frames_get(f, stream, path);
}

static void
take(struct frames *f, uint32_t stream)
{
    struct answer a = frames_answer(f, stream);

    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, SLOWFS_LARGE);
    for (size_t i = 0; i < a.n; i++)
        UNIT_HOLDS(a.body[i] == (char)('a' + i % 23));
    answer_free(&a);
}

/* Streams of the same session, and whoever else comes. */
START_TEST(other_streams_are_served_though_nobody_reads_a_file)
{
    struct frames f;
    uint32_t id = 1;

    if (!start())
        return;
    f = frames_open(&s);
    for (; id <= 2 * FILES - 1; id += 2)
        ask(&f, id);
    for (int i = 0; i < 20; i++, id += 2) {
        frames_get(&f, id, "/none");
        frames_take(&f, id, 200, "");
    }
    client_wait_active(&s, FILES);
    fs.is_held = 0;
    for (id = 1; id <= 2 * FILES - 1; id += 2)
        take(&f, id);
    frames_close(&f);
    stop();
}
END_TEST

START_TEST(other_sessions_are_served_though_nobody_reads_a_file)
{
    struct frames f[FILES], other;

    if (!start())
        return;
    for (int i = 0; i < FILES; i++) {
        f[i] = frames_open(&s);
        ask(&f[i], 1);
    }
    client_wait_active(&s, FILES);
    other = frames_open(&s);
    for (uint32_t id = 1; id < 40; id += 2) {
        frames_get(&other, id, "/none");
        frames_take(&other, id, 200, "");
    }
    frames_close(&other);
    fs.is_held = 0;
    for (int i = 0; i < FILES; i++) {
        take(&f[i], 1);
        frames_close(&f[i]);
    }
    stop();
}
END_TEST

/* Nobody waits for what it would have been told. */
START_TEST(a_stream_that_is_reset_meanwhile_does_no_harm)
{
    struct frames f;

    if (!start())
        return;
    f = frames_open(&s);
    for (uint32_t id = 1; id <= 2 * FILES - 1; id += 2)
        ask(&f, id);
    client_wait_active(&s, FILES);
    for (uint32_t id = 3; id <= 2 * FILES - 1; id += 2)
        frames_reset(&f, id, FRAMES_CANCEL);
    client_wait_active(&s, 1);
    frames_serves(&f);
    fs.is_held = 0;
    take(&f, 1);
    frames_close(&f);
    stop();
}
END_TEST

/* The worker gives up a descriptor of what was to be read, and that of the
 * answer. */
START_TEST(nobody_waits_for_its_file_to_be_closed)
{
    struct frames f;

    if (!start())
        return;
    f = frames_open(&s);
    ask(&f, 1);
    ask(&f, 3);
    client_wait_active(&s, 2);
    while (fs.n_reading == 0)
        usleep(1000);
    fs.keeps = 1;
    frames_reset(&f, 3, FRAMES_CANCEL);
    while (fs.n_closing == 0)
        usleep(1000);
    frames_serves(&f);
    ck_assert_int_gt(fs.n_closing, 0); /* still */
    fs.keeps = fs.is_held = 0;
    take(&f, 1);
    frames_close(&f);
    stop();
}
END_TEST

UNIT_MAIN(h2_warm, other_streams_are_served_though_nobody_reads_a_file,
          other_sessions_are_served_though_nobody_reads_a_file,
          a_stream_that_is_reset_meanwhile_does_no_harm,
          nobody_waits_for_its_file_to_be_closed)
