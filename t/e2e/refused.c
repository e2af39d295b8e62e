/* SPDX-License-Identifier: BSD-2-Clause */
/* refused.c - what the kernel, or the C library, refuses while steps wait and
 * write: they are told, their defers run, and the server goes on.
 *
 * The server runs with refuse.so preloaded, which does not go in front of a
 * sanitizer.
 * tags: epoll */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/preload.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/upstream.h"
#include "t/preload/refuse.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n"        \
    "write_buffer = 4k\n"                                                      \
    "[plugin writer]\n[plugin task]\n[plugin fetch]\n"
#define WRITER GET("/writer/count")

static struct server s;
static struct refuse *kernel;

/* The server is there, and nothing is refused yet; 0: it cannot be. */
static int
prepare(const char *ini)
{
    if (server_is_sanitized())
        return 0;
    server_prepare(&s, ini);
    kernel = preload_share("T_REFUSE", sizeof *kernel);
    preload_begin("refuse");
    return 1;
}

static int
start(void)
{
    if (!prepare(SERVER))
        return 0;
    server_serve(&s);
    preload_end();
    return 1;
}

static void
stop(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
}

/* `bad` calls from the one behind `good` on. */
static void
refuse(enum refuse_call call, int good, int bad, int error)
{
    atomic_store(&kernel->of[call].error, error);
    atomic_store(&kernel->of[call].n, 0);
    atomic_store(&kernel->of[call].good, good);
    atomic_store(&kernel->of[call].bad, bad);
}

static int
refused(enum refuse_call call)
{
    return atomic_load(&kernel->of[call].n);
}

static void
expect(const char *request, int status, const char *body)
{
    client_once(&s, request, status, body);
}

/* ---- answers that are written --------------------------------------------*/

/* Whoever writes is told that nobody reads, once, and is over. */
static void
lose_a_writer(enum refuse_call call, int good, int error)
{
    int was = tally(&s, WRITER, "ended"), told = tally(&s, WRITER, "cancelled");
    struct client c = client_open(&s);

    client_expect(&c, GET("/task/steps/1"), 200, "1");
    if (call == REFUSE_RING_SEND) /* a ring has what could not go at once */
        refuse(REFUSE_SEND, good, 1, EAGAIN);
    refuse(call, call == REFUSE_RING_SEND ? 0 : good, 1, error);
    client_puts(&c, GET("/writer/flood"));
    client_read_all(&c);
    ck_assert_int_eq(refused(call), 1);
    tally_wait(&s, WRITER, "ended", was + 1);
    ck_assert_int_eq(tally(&s, WRITER, "active"), 0);
    ck_assert_int_gt(tally(&s, WRITER, "cancelled"), told);
    client_close(&c);
}

START_TEST(a_send_that_fails_ends_who_writes)
{
    static const int errors[] = {EPIPE, ECONNRESET, ENOBUFS, ENOMEM};

    if (!start())
        return;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        lose_a_writer(REFUSE_SEND, 1, errors[i]);
        lose_a_writer(REFUSE_SEND, 7, errors[i]);
    }
    expect(GET("/writer/pieces?n=2&size=3"), 200, "abcdef");
    stop();
}
END_TEST

START_TEST(so_does_one_that_a_ring_has)
{
    if (strcmp(server_event(), "io_uring") != 0 || !start())
        return;
    for (int i = 0; i < 4; i++)
        lose_a_writer(REFUSE_RING_SEND, i, 0);
    expect(GET("/writer/pieces?n=2&size=3"), 200, "abcdef");
    stop();
}
END_TEST

/* The head of the answer itself, in front of what the task writes. */
START_TEST(a_head_that_cannot_be_sent_ends_it_too)
{
    int was;

    if (!start())
        return;
    was = tally(&s, WRITER, "ended");
    lose_a_writer(REFUSE_SEND, 0, EPIPE);
    ck_assert_int_eq(tally(&s, WRITER, "ended"), was + 1);
    stop();
}
END_TEST

/* ---- stacks --------------------------------------------------------------*/

static void
expect_no_stack(void)
{
    struct client c = client_open(&s);
    struct answer a;

    client_puts(&c, GET("/task/sleep/1"));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 503);
    ck_assert_ptr_nonnull(answer_field(&a, "Retry-After", 0));
    answer_free(&a);
    client_close(&c);
}

START_TEST(without_memory_for_stacks_it_is_503)
{
    if (!start())
        return;
    refuse(REFUSE_STACKS, 0, 2, ENOMEM);
    expect_no_stack();
    expect_no_stack();
    ck_assert_int_eq(refused(REFUSE_STACKS), 2);
    ck_assert_int_eq(tally_figure(&s, "tasks_refused_total"), 2);
    refuse(REFUSE_GUARD, 0, 1, ENOMEM); /* the map is there, no guard */
    expect_no_stack();
    ck_assert_int_eq(tally_figure(&s, "tasks_refused_total"), 3);
    expect(GET("/task/sleep/1"), 200, "slept");
    expect(GET("/task/join/5"), 200, "10");
    ck_assert_int_eq(tally_figure(&s, "tasks_refused_total"), 3);
    stop();
}
END_TEST

/* ---- threads -------------------------------------------------------------*/

START_TEST(without_a_thread_a_job_is_refused)
{
    if (!start())
        return;
    refuse(REFUSE_THREAD, 0, 2, EAGAIN);
    expect(GET("/task/job/1"), 503, "503 no job: -1\n");
    expect(GET("/fetch/whole?url=http://some.name.invalid/"), 200,
           "-1 0 0 0 - ");
    ck_assert_int_eq(refused(REFUSE_THREAD), 2);
    expect(GET("/task/job/1"), 200, "7 1");
    stop();
}
END_TEST

/* ---- descriptors ---------------------------------------------------------*/

START_TEST(who_waits_for_what_cannot_be_watched_is_told)
{
    struct client c;

    if (!start())
        return;
    for (int i = 0; i < 3; i++) {
        c = client_open(&s);
        client_expect(&c, GET("/task/steps/1"), 200, "1");
        refuse(REFUSE_POLL, 0, 1, i ? ENOSPC : ENOMEM);
        client_expect(&c, GET("/task/pipe/60000"), 200, "8"); /* POLLERR */
        ck_assert_int_eq(refused(REFUSE_POLL), 1);
        client_expect(&c, GET("/task/pipe/60000?write=1"), 200, "1");
        client_close(&c);
    }
    stop();
}
END_TEST

/* A server that cannot have what its threads wake each other by says so. */
START_TEST(without_a_pipe_it_does_not_start)
{
    int code;

    if (!prepare(SERVER))
        return;
    refuse(REFUSE_PIPE, 0, 1000, EMFILE);
    code = server_launch(&s);
    preload_end();
    ck_assert_int_gt(code, 0);
    ck_assert_int_lt(code, 128);
    ck_assert(server_has_log(&s, "descriptor"));
    server_clean(&s);
}
END_TEST

/* ---- asking others -------------------------------------------------------*/

#define NAMED GET("/fetch/whole?url=http://some.name.invalid/&connect=%d")

static void
fetch(const char *more, const char *want)
{
    char request[300];

    snprintf(request, sizeof request,
             "GET /fetch/whole?%s HTTP/1.1\r\nHost: x\r\n\r\n", more);
    expect(request, 200, want);
}

START_TEST(a_name_that_nobody_knows_now)
{
    static const int errors[] = {EAI_AGAIN, EAI_FAIL, EAI_MEMORY, EAI_SYSTEM};

    if (!start())
        return;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        char name[100];
        refuse(REFUSE_RESOLVE, 0, 1, errors[i]);
        snprintf(name, sizeof name, "url=http://name%zu.invalid/", i);
        fetch(name, "-11 0 0 0 - ");
        ck_assert_int_eq(refused(REFUSE_RESOLVE), 1);
    }
    stop();
}
END_TEST

START_TEST(a_name_that_takes_too_long)
{
    struct client c;

    if (!start())
        return;
    atomic_store(&kernel->is_slow, 1);
    fetch("url=http://one.invalid/&connect=50", "-8 0 0 0 - ");
    c = client_open(&s);
    client_puts(&c, GET("/fetch/whole?url=http://two.invalid/"));
    tally_wait(&s, GET("/fetch/count"), "waiting", 1);
    client_close(&c); /* while it is looked up */
    tally_wait(&s, GET("/fetch/count"), "cancelled", 1);
    tally_wait(&s, GET("/fetch/count"), "waiting", 0);
    atomic_store(&kernel->is_slow, 0);
    expect(GET("/task/job/1"), 200, "7 1");
    stop();
}
END_TEST

START_TEST(no_socket_no_connection)
{
    struct upstream u;
    struct client c;
    char whom[40];
    int fd;

    if (!start())
        return;
    upstream_open(&u);
    snprintf(whom, sizeof whom, "port=%u", u.port);
    refuse(REFUSE_SOCKET, 0, 1, EMFILE);
    fetch(whom, "-5 0 0 0 - ");
    ck_assert_int_eq(refused(REFUSE_SOCKET), 1);
    refuse(REFUSE_CONNECT, 0, 1, ENETUNREACH);
    fetch(whom, "-11 0 0 0 - ");
    refuse(REFUSE_CONNECT, 0, 1, EAGAIN);
    fetch(whom, "-11 0 0 0 - ");
    ck_assert_int_eq(refused(REFUSE_CONNECT), 1);
    ck_assert(upstream_is_quiet(&u, 20));
    refuse(REFUSE_FETCH, 0, 1, ENOBUFS);
    fetch(whom, "-11 0 0 0 - "); /* at once, though the other end is there */
    ck_assert_int_eq(refused(REFUSE_FETCH), 1);
    c = client_open(&s);
    client_expect(&c, GET("/task/steps/1"), 200, "1");
    refuse(REFUSE_POLL, 0, 1, ENOMEM); /* it is tried all the same */
    client_printf(&c, "GET /fetch/whole?%s HTTP/1.1\r\nHost: x\r\n\r\n", whom);
    close(upstream_accept(&u)); /* of the one that could not send */
    fd = upstream_take(&u);
    upstream_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    client_take(&c, 0, 200, "0 200 5 5 - hello");
    close(fd);
    client_close(&c);
    ck_assert_int_eq(refused(REFUSE_POLL), 1);
    upstream_close(&u);
    stop();
}
END_TEST

UNIT_MAIN(refused, a_send_that_fails_ends_who_writes,
          so_does_one_that_a_ring_has, a_head_that_cannot_be_sent_ends_it_too,
          without_memory_for_stacks_it_is_503,
          without_a_thread_a_job_is_refused,
          who_waits_for_what_cannot_be_watched_is_told,
          without_a_pipe_it_does_not_start, a_name_that_nobody_knows_now,
          a_name_that_takes_too_long, no_socket_no_connection)
