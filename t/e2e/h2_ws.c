/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_ws.c - WebSockets on streams of HTTP/2 (RFC 8441): the plugins of those on
 * connections, and beside them requests.
 * tags: epoll asan tsan plain */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#include "t/lib/wsock.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define FIN 0x80u
#define TEXT (FIN | 1u)
#define BINARY (FIN | 2u)
#define CLOSE (FIN | 8u)
#define PING (FIN | 9u)
#define PONG (FIN | 10u)

#define INI                                                                    \
    "[server]\nlisten = 127.0.0.1:0\nh2c = yes\nworkers = 1\n"                 \
    "metrics = /metrics\nkeepalive_timeout = 500ms\n"
#define PLUGINS "[plugin talk]\n[plugin dialog]\n[plugin hello]\n"

static struct server s;
static struct frames f;

static void
begin(const char *ini)
{
    server_start(&s, ini);
    f = frames_open(&s);
    ck_assert_uint_eq(f.peer[FRAMES_ENABLE_CONNECT], 1);
}

static void
end(void)
{
    frames_close(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}

/* Ask for one, with more fields. */
static void
ask(uint32_t stream, const char *path, const char *more)
{
    char text[512];

    snprintf(text, sizeof text,
             ":method: CONNECT\n:protocol: websocket\n:scheme: http\n"
             ":path: %s\n:authority: x\nsec-websocket-version: 13\n%s",
             path, more);
    frames_head(&f, stream, 0, text);
}

static struct frames_stream *
wait_head(uint32_t stream)
{
    struct frames_stream *t;

    while (!(t = frames_stream(&f, stream))->has_head)
        ck_assert(frames_next(&f));
    return t;
}

static void
open_one(uint32_t stream, const char *path)
{
    ask(stream, path, "");
    ck_assert_int_eq(wait_head(stream)->status, 200);
}

static void
say(uint32_t stream, unsigned first, const void *p, size_t n)
{
    static char wire[100014];

    ck_assert_uint_le(n, 100000);
    n = wsock_frame(wire, first, p, n);
    for (size_t at = 0, k; at < n; at += k) {
        k = n - at < 10000 ? n - at : 10000;
        frames_data(&f, stream, 0, wire + at, k);
    }
}

/* The answer is one of that status. */
static void
refused(uint32_t stream, int status)
{
    struct answer a = frames_answer(&f, stream);

    ck_assert_int_eq(a.status, status);
    answer_free(&a);
}

/* Whether text is in what is got from path. */
static int
says(uint32_t stream, const char *path, const char *text)
{
    struct answer a;
    int is;

    frames_get(&f, stream, path);
    a = frames_answer(&f, stream);
    is = strstr(a.body, text) != NULL;
    answer_free(&a);
    return is;
}

/* n bytes have come on the stream, and are in its body at `from`. */
static const char *
wait_bytes(uint32_t stream, size_t from, size_t n)
{
    frames_take_data(&f, stream, from + n);
    return frames_stream(&f, stream)->body.p + from;
}

/* The next frame on the stream, behind `*at` bytes, is that short one. */
static void
hear(uint32_t stream, size_t *at, unsigned first, const char *text)
{
    size_t n = strlen(text);
    const char *p = wait_bytes(stream, *at, 2 + n);

    ck_assert_uint_eq((unsigned char)p[0], first);
    ck_assert_uint_eq((unsigned char)p[1], n);
    ck_assert_mem_eq(p + 2, text, n);
    *at += 2 + n;
}

START_TEST(messages_go_both_ways)
{
    size_t at[2] = {0, 0};

    begin(INI PLUGINS);
    open_one(1, "/talk/hello");
    open_one(3, "/talk/echo");
    hear(1, &at[0], TEXT, "hello");
    for (int i = 0; i < 10; i++) {
        say(1, TEXT, "one", 3);
        say(3, BINARY, "another", 7);
        hear(1, &at[0], TEXT, "one");
        hear(3, &at[1], BINARY, "another");
    }
    say(3, PING, "?", 1);
    hear(3, &at[1], PONG, "?");
    frames_get(&f, 5, "/hello/you"); /* beside them */
    frames_take(&f, 5, 200, "Hello, you!\n");
    end();
}
END_TEST

/* Its windows are given back message by message: that is no flood. */
START_TEST(small_messages_for_ever)
{
    size_t at = 0;

    begin(INI PLUGINS);
    open_one(1, "/talk/echo");
    for (int i = 0; i < 5000; i++) {
        say(1, TEXT, "little", 6);
        hear(1, &at, TEXT, "little");
    }
    frames_get(&f, 3, "/hello/you");
    frames_take(&f, 3, 200, "Hello, you!\n");
    end();
}
END_TEST

/* More than a window, and than what is kept of what waits. */
START_TEST(large_messages)
{
    static char large[100000];
    const char *p;

    begin(INI PLUGINS);
    open_one(1, "/talk/echo");
    for (int i = 0; i < 5; i++) {
        memset(large, 'a' + i, sizeof large);
        say(1, BINARY, large, sizeof large);
        p = wait_bytes(1, (size_t)i * (sizeof large + 10), sizeof large + 10);
        ck_assert_uint_eq((unsigned char)p[0], BINARY);
        ck_assert_uint_eq((unsigned char)p[1], 127);
        ck_assert_mem_eq(p + 10, large, sizeof large);
    }
    end();
}
END_TEST

START_TEST(what_is_agreed_on)
{
    struct frames_stream *t;

    begin(INI PLUGINS);
    ask(1, "/talk/choosy",
        "sec-websocket-protocol: c, b\norigin: https://friend.example\n"
        "sec-websocket-extensions: permessage-deflate\n");
    t = wait_head(1);
    ck_assert_int_eq(t->status, 200);
    ck_assert_ptr_nonnull(strstr(t->head.p, "sec-websocket-protocol: b"));
    ck_assert_ptr_null(strstr(t->head.p, "sec-websocket-accept"));
    ck_assert_ptr_null(strstr(t->head.p, "upgrade"));
    ck_assert_ptr_null(strstr(t->head.p, "content-length"));
    ask(3, "/talk/choosy", "origin: https://foe.example\n");
    refused(3, 403);
    ask(5, "/nowhere", "");
    refused(5, 404);
    end();
}
END_TEST

/* 2xx would say that there is one. */
START_TEST(what_is_none_is_not_agreed_to)
{
    begin(INI PLUGINS);
    ask(1, "/hello/you", "");
    refused(1, 400);
    frames_get(&f, 3, "/talk/echo"); /* without CONNECT */
    refused(3, 400);
    frames_head(&f, 5, 0,
                ":method: CONNECT\n:protocol: gopher\n:scheme: http\n"
                ":path: /talk/echo\n:authority: x\n");
    refused(5, 501);
    frames_get(&f, 7, "/hello/you");
    frames_take(&f, 7, 200, "Hello, you!\n");
    end();
}
END_TEST

/* In one read. */
START_TEST(it_need_not_wait_for_the_answer)
{
    size_t at = 0;

    begin(INI PLUGINS);
    f.is_held = 1;
    ask(1, "/talk/echo", "");
    say(1, TEXT, "one", 3);
    say(1, TEXT, "two", 3);
    ask(3, "/talk/echo", "");
    say(3, CLOSE, "\x03\xe9", 2);
    ask(5, "/talk/echo", "");
    frames_data(&f, 5, FRAMES_END_STREAM, "", 0);
    ck_assert(frames_flush(&f, 5000));
    ck_assert_int_eq(wait_head(1)->status, 200);
    hear(1, &at, TEXT, "one");
    hear(1, &at, TEXT, "two");
    at = 0;
    hear(3, &at, CLOSE, "\x03\xe9");
    frames_take_reset(&f, 5, FRAMES_CANCEL);
    end();
}
END_TEST

START_TEST(each_side_may_close)
{
    size_t at = 0;
    struct frames_stream *t;

    begin(INI PLUGINS);
    open_one(1, "/talk/act");
    say(1, TEXT, "close 1000 bye", 14);
    hear(1, &at, CLOSE,
         "\x03\xe8"
         "bye");
    say(1, CLOSE, "\x03\xe8", 2);
    while (!(t = frames_stream(&f, 1))->is_ended && t->reset < 0)
        ck_assert(frames_next(&f));
    ck_assert(t->is_ended);

    open_one(3, "/talk/echo");
    at = 0;
    say(3, CLOSE, "\x03\xe9", 2);
    hear(3, &at, CLOSE, "\x03\xe9");
    while (!(t = frames_stream(&f, 3))->is_ended && t->reset < 0)
        ck_assert(frames_next(&f));
    ck_assert(t->is_ended);

    open_one(5, "/talk/echo"); /* the end of the stream, without a word */
    frames_data(&f, 5, FRAMES_END_STREAM, "", 0);
    frames_take_reset(&f, 5, FRAMES_CANCEL);

    open_one(7, "/talk/echo"); /* taken back */
    frames_reset(&f, 7, FRAMES_CANCEL);
    frames_sync(&f);
    ck_assert(says(9, "/talk/count", "opened 4 closed 4 "));
    end();
}
END_TEST

START_TEST(frames_that_are_none_fail_it)
{
    size_t at = 0;

    begin(INI PLUGINS);
    open_one(1, "/talk/echo");
    say(1, TEXT, "\xff", 1);
    hear(1, &at, CLOSE, "\x03\xef"); /* 1007 */
    frames_get(&f, 3, "/hello/you");
    frames_take(&f, 3, 200, "Hello, you!\n");
    end();
}
END_TEST

/* A task is one, too. */
START_TEST(a_step_that_goes_on)
{
    size_t at = 0;

    begin(INI PLUGINS);
    open_one(1, "/talk/task");
    say(1, TEXT, "hi", 2);
    hear(1, &at, TEXT, "hi");
    end();
}
END_TEST

START_TEST(an_open_one_keeps_the_connection)
{
    size_t at = 0;

    begin(INI PLUGINS);
    open_one(1, "/talk/echo");
    usleep(1500000); /* thrice what an idle one may last */
    say(1, TEXT, "hi", 2);
    hear(1, &at, TEXT, "hi");
    end();
}
END_TEST

START_TEST(a_stop_closes_them)
{
    size_t at = 0;

    begin(INI "drain_timeout = 1s\n" PLUGINS);
    open_one(1, "/talk/echo");
    server_signal(&s, SIGTERM);
    hear(1, &at, CLOSE, "\x03\xf4"); /* 1012 */
    say(1, CLOSE, "\x03\xf4", 2);
    frames_over(&f);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

START_TEST(a_client_that_goes_leaves_nothing)
{
    begin(INI PLUGINS);
    open_one(1, "/talk/echo");
    open_one(3, "/talk/task");
    frames_close(&f);
    f = frames_open(&s);
    for (uint32_t i = 0; i < 100; i++) {
        if (says(1 + 2 * i, "/metrics", "\netude_ws_active 0\n")) {
            end();
            return;
        }
        usleep(20000);
    }
    ck_abort_msg("they are still there");
}
END_TEST

UNIT_MAIN(h2_ws, messages_go_both_ways, small_messages_for_ever, large_messages,
          what_is_agreed_on, what_is_none_is_not_agreed_to,
          it_need_not_wait_for_the_answer, each_side_may_close,
          frames_that_are_none_fail_it, a_step_that_goes_on,
          an_open_one_keeps_the_connection, a_stop_closes_them,
          a_client_that_goes_leaves_nothing)
