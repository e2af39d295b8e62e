/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_task.c - WebSockets of tasks, in the linear form: open, recv, put.
 * tags: epoll asan tsan tls */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/transport.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n" more   \
    "\n"
#define DIALOG "[plugin dialog]\n"

#define TEXT 0x81
#define BINARY 0x82
#define PING 0x89
#define PONG 0x8a

#define TIME (-8)
#define RETIRE (-10)

static struct server s;

static int
count(const char *what)
{
    return tally(&s, GET("/dialog/count"), what);
}

static void
wait_count(const char *what, int n)
{
    tally_wait(&s, GET("/dialog/count"), what, n);
}

static void
check_echo(struct client *c)
{
    wsock_text(c, "are you there?");
    wsock_take_text(c, "are you there?");
}

static void
leave(struct client *c)
{
    wsock_close(c, 1000, "");
    wsock_ended(c, 1000);
}

/* It is closed with code, and the client answers. */
static void
answer_close(struct client *c, unsigned code)
{
    (void)wsock_take_close(c, code);
    wsock_close(c, code, "");
    ck_assert(client_is_closed(c));
    client_close(c);
}

/* Nothing is left of n streams. */
static void
check_over(int n)
{
    wait_count("over", n);
    ck_assert_int_eq(count("defers"), n);
    ck_assert_int_eq(tally_figure(&s, "ws_active"), 0);
    ck_assert_int_eq(tally_figure(&s, "tasks_active"), 0);
    ck_assert_int_eq(tally_figure(&s, "requests_active"), 1); /* that one */
}

static void
end_with(int n)
{
    check_over(n);
    ck_assert_int_eq(server_stop(&s), 0);
}

/* ---- the handshake -------------------------------------------------------*/

START_TEST(a_task_goes_on_as_a_stream)
{
    struct client c;
    struct answer a;

    if (transport_here()->is_h2) /* there is no 101 */
        return;
    server_start(&s, SERVER("") DIALOG);
    c = client_open(&s);
    client_expect(&c, GET("/dialog/count"), 200, NULL);
    wsock_ask(&c, "/dialog/echo", "");
    a = wsock_welcome(&c);
    ck_assert_str_eq(answer_field(&a, "X-Dialog", 0), "yes");
    answer_free(&a);
    check_echo(&c);
    wsock_send(&c, BINARY, "\0\1\xff", 3);
    wsock_take(&c, BINARY, "\0\1\xff", 3);
    wsock_send(&c, TEXT, "", 0);
    wsock_take(&c, TEXT, "", 0);
    wsock_send(&c, PING, "x", 1);
    wsock_take(&c, PONG, "x", 1);
    ck_assert_int_eq(count("opened"), 1);
    ck_assert_int_eq(count("over"), 0); /* the log steps wait for its end */
    ck_assert_int_eq(tally_figure(&s, "requests_active"), 1);
    leave(&c);
    wait_count("over", 1);
    ck_assert_int_eq(count("status"), 101);
    ck_assert_int_eq(count("rc"), 1);
    ck_assert_int_eq(count("code"), 1000);
    end_with(1);
}
END_TEST

START_TEST(it_may_have_slept_before)
{
    struct client c;

    server_start(&s, SERVER("") DIALOG);
    c = wsock_open(&s, "/dialog/late");
    check_echo(&c);
    leave(&c);
    end_with(1);
}
END_TEST

START_TEST(what_is_agreed_on_is_the_same)
{
    struct client c;
    char large[1001];

    server_start(&s, SERVER("") DIALOG);
    c = wsock_open_with(&s, "/dialog/choosy",
                        "Sec-WebSocket-Protocol: a, b\r\n");
    memset(large, 'x', sizeof large);
    wsock_send(&c, TEXT, large, 1000);
    wsock_take(&c, TEXT, large, 1000);
    wsock_send(&c, TEXT, large, 1001);
    wsock_ended(&c, 1009);
    wait_count("over", 1);
    ck_assert_int_eq(count("code"), 1009);
    c = wsock_open_with(&s, "/dialog/echo",
                        "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    wsock_text(&c, "some text");
    ck_assert_uint_eq(wsock_next(&c).first & 0x8f, TEXT);
    leave(&c);
    end_with(2);
}
END_TEST

#define BEGIN "GET /dialog/echo HTTP/1.1\r\nHost: x\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: " WSOCK_KEY "\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static const struct {
    int status;
    const char *request;
} refused[] = {
    {426, BEGIN "\r\n"},
    {426, BEGIN UPGRADE KEY "Sec-WebSocket-Version: 12\r\n\r\n"},
    {400, BEGIN UPGRADE VERSION "\r\n"},
    {400, BEGIN UPGRADE VERSION "Sec-WebSocket-Key: x\r\n\r\n"},
    {403, BEGIN UPGRADE KEY VERSION "Origin: https://elsewhere\r\n\r\n"},
};

START_TEST(what_is_no_handshake_is_answered)
{
    struct client c;

    if (transport_here()->is_h2) /* a handshake of HTTP/1 */
        return;
    server_start(&s, SERVER("") DIALOG);
    c = client_open(&s);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        client_expect(&c, refused[i].request, refused[i].status, NULL);
    wsock_ask(&c, "/dialog/plain", ""); /* in no task */
    client_take(&c, 0, 500, NULL);
    client_close(&c);
    ck_assert_int_eq(count("opened"), 0);
    c = wsock_open(&s, "/dialog/twice");
    wsock_take_text(&c, "3 0"); /* ET_FAIL */
    check_echo(&c);
    leave(&c);
    wait_count("over", (int)ARRAY_LEN(refused) + 2);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static void
refuse_with(const char *response, int status)
{
    struct client c;
    char ini[512];

    snprintf(ini, sizeof ini, "%s%sresponse = %s\n", SERVER(""), DIALOG,
             response);
    server_start(&s, ini);
    c = client_open(&s);
    for (int i = 0; i < 3; i++) { /* the connection goes on */
        wsock_ask(&c, i == 1 ? "/dialog/late" : "/dialog/echo", "");
        client_take(&c, 0, status, NULL);
    }
    client_close(&c);
    wait_count("over", 3);
    ck_assert_int_eq(count("opened"), 0);
    ck_assert_int_eq(count("status"), status);
    end_with(3);
}

START_TEST(response_steps_may_refuse_it)
{
    refuse_with("deny", 403);
    refuse_with("fail", 500);
    refuse_with("late", 504);
}
END_TEST

START_TEST(bytes_behind_the_handshake_are_frames)
{
    struct client c;
    struct answer a;
    char all[1024];
    size_t n;

    server_start(&s, SERVER("") DIALOG);
    n = (size_t)snprintf(all, sizeof all,
                         GET("/dialog/count") BEGIN UPGRADE KEY VERSION "\r\n");
    n += wsock_frame(all + n, TEXT, "early", 5);
    n += wsock_frame(all + n, PING, "x", 1);
    n += wsock_frame(all + n, TEXT, "bird", 4);
    for (int drips = 0; drips < 2; drips++) {
        c = client_open(&s);
        if (drips)
            client_drip(&c, all, n);
        else
            client_send(&c, all, n);
        client_take(&c, 0, 200, NULL);
        a = wsock_welcome(&c);
        answer_free(&a);
        wsock_take_text(&c, "early");
        wsock_take(&c, PONG, "x", 1);
        wsock_take_text(&c, "bird");
        leave(&c);
    }
    end_with(2);
}
END_TEST

/* ---- messages ------------------------------------------------------------*/

START_TEST(however_they_are_cut)
{
    struct client c;
    char all[256];
    size_t n = 0;

    server_start(&s, SERVER("") DIALOG);
    c = wsock_open(&s, "/dialog/echo");
    n += wsock_frame(all + n, 0x01, "on\xc3", 3);
    n += wsock_frame(all + n, PING, "within", 6);
    n += wsock_frame(all + n, 0x80, "\xa9!", 2);
    n += wsock_frame(all + n, BINARY, "\xff\xfe", 2);
    for (size_t i = 0; i < n; i++) {
        if (i == 0) {
            client_drip(&c, all, n);
        } else {
            client_send(&c, all, i);
            client_send(&c, all + i, n - i);
        }
        wsock_take(&c, PONG, "within", 6);
        wsock_take(&c, TEXT, "on\xc3\xa9!", 5);
        wsock_take(&c, BINARY, "\xff\xfe", 2);
    }
    leave(&c);
    end_with(1);
}
END_TEST

START_TEST(of_each_size)
{
    static const size_t sizes[] = {1,    125,   126,   127,    2047,
                                   2048, 16383, 65536, 300000, 1 << 20};
    struct client c;

    server_start(&s, SERVER("") DIALOG);
    c = wsock_open(&s, "/dialog/echo");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t n = sizes[i];
        char *p = malloc(n);
        memset(p, 'a' + (int)i, n);
        wsock_send(&c, i % 2 ? TEXT : BINARY, p, n);
        wsock_take(&c, i % 2 ? TEXT : BINARY, p, n);
        free(p);
    }
    leave(&c);
    end_with(1);
}
END_TEST

START_TEST(many_at_once)
{
    struct client c;
    char all[20 * 64];
    size_t n = 0;

    server_start(&s, SERVER("") DIALOG);
    c = wsock_open(&s, "/dialog/echo");
    for (int i = 0; i < 64; i++)
        n += wsock_frame(all + n, TEXT, "message", 7);
    for (int k = 0; k < 50; k++)
        client_send(&c, all, n);
    for (int i = 0; i < 64 * 50; i++)
        wsock_take_text(&c, "message");
    leave(&c);
    end_with(1);
}
END_TEST

/* While it is busy one is read ahead, and then no more. */
START_TEST(who_does_not_ask_is_not_told)
{
    struct client c;
    char *flood = calloc(1, 60000);
    size_t poured = 0;

    server_start(&s, SERVER("") DIALOG);
    c = wsock_open(&s, "/dialog/act");
    wsock_text(&c, "sleep 300");
    wsock_text(&c, "retiring"); /* that one is read ahead */
    for (int i = 0; i < 400; i++) {
        char frame[60100];
        size_t n = wsock_frame(frame, BINARY, flood, 60000);
        size_t k = client_pour(&c, frame, n, 100);
        poured += k;
        if (k < n) {
            client_send(&c, frame + k, n - k); /* once it has woken */
            break;
        }
    }
    wsock_take_text(&c, "slept");
    wsock_take_text(&c, "0");
    ck_assert_uint_gt(poured, 0);
    for (struct wsock_got g = wsock_next(&c);; g = wsock_next(&c)) {
        ck_assert_str_eq(g.p, "?");
        poured -= poured < 60008 ? poured : 60008;
        if (poured == 0)
            break;
    }
    client_close(&c);
    free(flood);
    end_with(1);
}
END_TEST

START_TEST(a_slow_reader_is_waited_for)
{
    struct client c;
    char *p = malloc(100000);

    for (size_t i = 0; i < 100000; i++)
        p[i] = (char)(i * 7);
    server_start(&s, SERVER("ws_queue = 64k") DIALOG);
    c = wsock_open(&s, "/dialog/act");
    wsock_text(&c, "put 100000 200"); /* 20 MB */
    wsock_text(&c, "retiring");
    ck_assert_int_eq(count("over"), 0);
    for (int i = 0; i < 200; i++)
        wsock_take(&c, BINARY, p, 100000);
    wsock_take_text(&c, "0");
    ck_assert_int_eq(count("rc"), 0);
    leave(&c);
    free(p);
    end_with(1);
}
END_TEST

START_TEST(waiting_for_one_may_have_an_end)
{
    struct client c;

    server_start(&s, SERVER("") DIALOG);
    c = wsock_open(&s, "/dialog/act");
    wsock_text(&c, "within 1");
    wsock_take_text(&c, "-8");
    wsock_text(&c, "within 60000");
    wsock_text(&c, "this");
    wsock_take_text(&c, "0");
    wsock_text(&c, "post");
    wsock_take_text(&c, "posted");
    wsock_text(&c, "write");
    wsock_take_text(&c, "-3 -3 0");
    wsock_text(&c, "limit 20"); /* of all of it */
    answer_close(&c, 1000);
    wait_count("over", 1);
    ck_assert_int_eq(count("rc"), TIME);
    end_with(1);
}
END_TEST

/* ---- parts ---------------------------------------------------------------*/

START_TEST(one_part_receives_while_another_sends)
{
    struct client c[4];

    server_start(&s, SERVER("") DIALOG);
    for (int i = 0; i < 4; i++) {
        c[i] = wsock_open(&s, "/dialog/chat");
        wsock_take_text(&c[i], "in");
    }
    for (int k = 0; k < 4; k++) {
        char text[32];
        snprintf(text, sizeof text, "from %d", k);
        wsock_text(&c[k], text);
        for (int i = 0; i < 4; i++)
            wsock_take_text(&c[i], text);
    }
    leave(&c[0]); /* which ends the other part, too */
    wait_count("over", 1);
    client_close(&c[1]);
    wait_count("over", 2);
    wsock_text(&c[2], "still here");
    wsock_take_text(&c[2], "still here");
    wsock_take_text(&c[3], "still here");
    leave(&c[2]);
    leave(&c[3]);
    end_with(4);
}
END_TEST

START_TEST(several_may_put_and_one_receives)
{
    struct client c;
    int n_large = 0, n_small = 0;

    server_start(&s, SERVER("ws_queue = 64k") DIALOG);
    c = wsock_open(&s, "/dialog/both");
    while (n_large < 20 || n_small < 20) {
        struct wsock_got g = wsock_next(&c);
        if (g.first == BINARY) {
            ck_assert_uint_eq(g.n, 100000);
            n_large++;
        } else {
            ck_assert_str_eq(g.p, "-4");
            n_small++;
        }
    }
    check_echo(&c);
    leave(&c);
    end_with(1);
}
END_TEST

/* ---- its end -------------------------------------------------------------*/

START_TEST(the_client_closes)
{
    static const unsigned codes[] = {1000, 1001, 1011, 4999, 0};
    int n = 0;

    server_start(&s, SERVER("") DIALOG);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct client c = wsock_open(&s, "/dialog/echo");
        wsock_close_late(&c, codes[i], codes[i] ? "that is all" : "",
                         "nobody reads that");
        wsock_ended(&c, codes[i]);
        wait_count("over", ++n);
        ck_assert_int_eq(count("rc"), 1);
        ck_assert_int_eq(count("code"), codes[i] ? (int)codes[i] : 1005);
    }
    end_with(n);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
    struct client c;

    server_start(&s, SERVER("") DIALOG);
    c = wsock_open(&s, "/dialog/echo");
    client_send(&c, "\x81\x01x", 3);
    wsock_ended(&c, 1002);
    wait_count("over", 1);
    ck_assert_int_eq(count("code"), 1002);
    c = wsock_open(&s, "/dialog/echo");
    wsock_send(&c, TEXT, "\xff", 1);
    wsock_ended(&c, 1007);
    wait_count("over", 2);
    ck_assert_int_eq(count("code"), 1007);
    end_with(2);
}
END_TEST

START_TEST(the_task_closes)
{
    struct client c;

    server_start(&s, SERVER("") DIALOG);
    c = wsock_open(&s, "/dialog/act");
    wsock_text(&c, "close 4001 enough of that");
    ck_assert_str_eq(wsock_take_close(&c, 4001), "enough of that");
    wsock_text(&c, "retiring"); /* too late */
    ck_assert_int_eq(count("over"), 0);
    wsock_close(&c, 4001, "");
    ck_assert(client_is_closed(&c));
    client_close(&c);
    wait_count("over", 1);
    ck_assert_int_eq(count("rc"), 1);
    ck_assert_int_eq(count("code"), 4001);
    end_with(1);
}
END_TEST

START_TEST(the_step_returns)
{
    static const struct {
        const char *how;
        unsigned code;
    } ways[] = {{"return done", 1000},
                {"return fail", 1011},
                {"return drop", 1011},
                {"panic", 1011}};
    int n = 0;

    if (transport_here()->is_h2) /* there is no 101 */
        return;
    server_start(&s, SERVER("") DIALOG);
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct client c = wsock_open(&s, "/dialog/act");
        char all[128];
        size_t k = wsock_frame(all, TEXT, ways[i].how, strlen(ways[i].how));
        k += wsock_frame(all + k, TEXT, "too late", 8);
        client_send(&c, all, k);
        (void)wsock_take_close(&c, ways[i].code);
        if (ways[i].code == 1000)
            wsock_close(&c, 1000, "");
        ck_assert(client_is_closed(&c));
        client_close(&c);
        wait_count("defers", ++n);
        ck_assert_int_eq(count("status"), 101);
    }
    ck_assert_int_eq(count("over"), n - 1); /* who panics takes no part */
    ck_assert_int_eq(tally_figure(&s, "tasks_active"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- generations ---------------------------------------------------------*/

START_TEST(it_stays_in_its_generation)
{
    struct client c, d;
    const char *after = SERVER("drain_timeout = 300ms") DIALOG
        "[route other]\nmatch = GET /other\nhandler = dialog:count\n";

    server_start(&s, SERVER("drain_timeout = 300ms") DIALOG);
    c = wsock_open(&s, "/dialog/act");
    wsock_text(&c, "retiring");
    wsock_take_text(&c, "0");
    server_write(&s, after); /* its use of plugins is what it was */
    ck_assert_int_eq(server_reload(&s), 1);
    wsock_text(&c, "retiring");
    wsock_take_text(&c, "1");
    d = wsock_open(&s, "/dialog/act");
    wsock_text(&d, "retiring");
    wsock_take_text(&d, "0");
    answer_close(&c, 1012);
    wait_count("over", 1);
    ck_assert_int_eq(count("rc"), RETIRE);
    leave(&d);
    end_with(2);
}
END_TEST

/* Who comes to its end in time is closed as the others are. */
START_TEST(it_may_end_before)
{
    struct client c;

    server_start(&s, SERVER("drain_timeout = 1h") DIALOG);
    c = wsock_open(&s, "/dialog/act");
    server_signal(&s, SIGTERM);
    do {
        wsock_text(&c, "retiring");
    } while (strcmp(wsock_next(&c).p, "1") != 0);
    wsock_text(&c, "return done");
    answer_close(&c, 1012);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

UNIT_MAIN(ws_task, a_task_goes_on_as_a_stream, it_may_have_slept_before,
          what_is_agreed_on_is_the_same, what_is_no_handshake_is_answered,
          response_steps_may_refuse_it, bytes_behind_the_handshake_are_frames,
          however_they_are_cut, of_each_size, many_at_once,
          who_does_not_ask_is_not_told, a_slow_reader_is_waited_for,
          waiting_for_one_may_have_an_end,
          one_part_receives_while_another_sends,
          several_may_put_and_one_receives, the_client_closes,
          what_is_wrong_is_said, the_task_closes, the_step_returns,
          it_stays_in_its_generation, it_may_end_before)
