/* SPDX-License-Identifier: BSD-2-Clause */
/* ws.c - WebSockets: the handshake, frames right and wrong, how they end.
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/transport.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n" more   \
    "\n[plugin talk]\n"

#define TEXT 0x81
#define BINARY 0x82
#define FIRST_TEXT 0x01
#define FIRST_BINARY 0x02
#define MORE 0x00
#define LAST 0x80
#define CLOSE 0x88
#define PING 0x89
#define PONG 0x8a

static struct server s;

static int
count(const char *what)
{
    return tally(&s, GET("/talk/count"), what);
}

static void
wait_count(const char *what, int n)
{
    tally_wait(&s, GET("/talk/count"), what, n);
}

/* It works, whatever has come before. */
static void
check_echo(struct client *c)
{
    wsock_text(c, "are you there?");
    wsock_take_text(c, "are you there?");
}

static void
welcome(struct client *c)
{
    struct answer a = wsock_welcome(c);

    answer_free(&a);
}

static void
leave(struct client *c)
{
    wsock_close(c, 1000, "");
    wsock_ended(c, 1000);
}

/* ---- the handshake -------------------------------------------------------*/

START_TEST(a_request_becomes_a_stream)
{
    struct client c;
    struct answer a;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_expect(&c, GET("/talk/count"), 200, NULL);
    wsock_ask(&c, "/talk/echo", "");
    a = wsock_welcome(&c);
    ck_assert_ptr_null(answer_field(&a, "Sec-WebSocket-Protocol", 0));
    ck_assert_ptr_null(answer_field(&a, "Sec-WebSocket-Extensions", 0));
    ck_assert_str_eq(answer_field(&a, "X-Talk", 0), "yes");
    answer_free(&a);
    check_echo(&c);
    wsock_send(&c, BINARY, "\0\1\xff", 3);
    wsock_take(&c, BINARY, "\0\1\xff", 3);
    wsock_send(&c, TEXT, "", 0);
    wsock_take(&c, TEXT, "", 0);
    wait_count("opened", 1);
    ck_assert_int_eq(count("closed"), 0);
    leave(&c);
    wait_count("closed", 1);
    ck_assert_int_eq(count("code"), 1000);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What comes with the handshake, or behind requests in front of it. */
START_TEST(bytes_behind_it_are_frames)
{
    struct client c;
    char all[1024];
    size_t n;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    n = (size_t)snprintf(
        all, sizeof all,
        GET("/talk/count") "GET /talk/hello HTTP/1.1\r\n"
                           "Host: x\r\nUpgrade: WebSocket\r\n"
                           "Connection: upgrade\r\n"
                           "Sec-WebSocket-Key: " WSOCK_KEY "\r\n"
                           "Sec-WebSocket-Version: 13\r\n\r\n");
    n += wsock_frame(all + n, TEXT, "early", 5);
    n += wsock_frame(all + n, PING, "x", 1);
    client_send(&c, all, n);
    client_take(&c, 0, 200, NULL);
    welcome(&c);
    wsock_take_text(&c, "hello");
    wsock_take_text(&c, "early");
    wsock_take(&c, PONG, "x", 1);
    leave(&c);
    c = client_open(&s);
    client_drip(&c, all, n);
    client_take(&c, 0, 200, NULL);
    welcome(&c);
    wsock_take_text(&c, "hello");
    wsock_take_text(&c, "early");
    wsock_take(&c, PONG, "x", 1);
    leave(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

#define BEGIN "GET /talk/echo HTTP/1.1\r\nHost: x\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: " WSOCK_KEY "\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define END "\r\n"

static const struct {
    const char *request;
    int status;
} refused[] = {
    {BEGIN END, 426},
    {BEGIN "Upgrade: websocket\r\n" KEY VERSION END, 426},
    {BEGIN "Connection: upgrade\r\n" KEY VERSION END, 426},
    {BEGIN "Upgrade: h2c\r\nConnection: upgrade\r\n" KEY VERSION END, 426},
    {"GET /talk/echo HTTP/1.0\r\nHost: x\r\nConnection: upgrade, keep-alive\r\n"
     "Upgrade: websocket\r\n" KEY VERSION END,
     426},
    {BEGIN UPGRADE KEY END, 426},
    {BEGIN UPGRADE KEY "Sec-WebSocket-Version: 8\r\n" END, 426},
    {BEGIN UPGRADE KEY VERSION VERSION END, 426},
    {BEGIN UPGRADE VERSION END, 400},
    {BEGIN UPGRADE KEY KEY VERSION END, 400},
    {BEGIN UPGRADE "Sec-WebSocket-Key: short\r\n" VERSION END, 400},
    {BEGIN UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n" VERSION END,
     400},
    {BEGIN UPGRADE KEY VERSION "Sec-WebSocket-Protocol: a b\r\n" END, 400},
    {BEGIN UPGRADE KEY VERSION "Sec-WebSocket-Extensions: a;=\r\n" END, 400},
    {BEGIN UPGRADE KEY VERSION "Content-Length: 4\r\n" END "body", 400},
    {BEGIN UPGRADE KEY VERSION "Transfer-Encoding: chunked\r\n" END "0\r\n\r\n",
     400},
    {BEGIN UPGRADE KEY VERSION "Origin: http://evil.example\r\n" END, 403},
    {BEGIN UPGRADE KEY VERSION "Origin: null\r\n" END, 403},
    {BEGIN UPGRADE KEY VERSION "Origin: http://x:8080\r\n" END, 403},
    {BEGIN UPGRADE KEY VERSION "Origin: http://x\r\nOrigin: http://x\r\n" END,
     403},
};

START_TEST(what_is_no_handshake_is_answered)
{
    struct client c;
    struct answer a;

    if (transport_here()->is_h2) /* a handshake of HTTP/1 */
        return;
    server_start(&s, SERVER(""));
    c = client_open(&s);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        client_puts(&c, refused[i].request);
        a = client_answer(&c, 0);
        ck_assert_msg(a.status == refused[i].status, "%zu: %d\n%s", i, a.status,
                      refused[i].request);
        if (a.status == 426) {
            ck_assert_str_eq(answer_field(&a, "Upgrade", 0), "websocket");
            ck_assert_str_eq(answer_field(&a, "Sec-WebSocket-Version", 0),
                             "13");
        }
        answer_free(&a);
    }
    client_expect(&c, GET("/talk/count"), 200, NULL); /* it goes on */
    ck_assert_int_eq(count("opened"), 0);
    client_puts(&c, "HEAD /talk/echo HTTP/1.1\r\nHost: x\r\n\r\n");
    client_take(&c, 1, 426, NULL); /* as GET */
    client_close(&c);
    client_once(&s,
                "POST /talk/echo HTTP/1.1\r\nHost: x\r\n"
                "Content-Length: 0\r\n\r\n",
                405, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Of the same host; of friends; of anybody. */
START_TEST(origins)
{
    static const struct {
        const char *path, *fields;
        int is_welcome;
    } cases[] = {
        {"/talk/echo", "Origin: http://x.example\r\n", 1},
        {"/talk/echo", "Origin: http://X.Example:80\r\n", 1},
        {"/talk/echo", "Origin: https://x.example\r\n", 0}, /* which is 443 */
        {"/talk/choosy", "Origin: https://friend.example\r\n", 1},
        {"/talk/choosy", "Origin: http://x.example\r\n", 0},
        {"/talk/choosy", "", 1},
        {"/talk/open", "Origin: null\r\n", 1},
    };

    server_start(&s, SERVER(""));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct client c = client_open(&s);
        struct answer a;
        wsock_ask(&c, cases[i].path, cases[i].fields);
        a = client_answer(&c, cases[i].is_welcome);
        ck_assert_msg(a.status == (cases[i].is_welcome ? 101 : 403), "%zu", i);
        answer_free(&a);
        client_close(&c);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(subprotocols_are_the_client_s_choice)
{
    static const struct {
        const char *fields, *chosen;
    } cases[] = {
        {"Sec-WebSocket-Protocol: x, b, a\r\n", "b"},
        {"Sec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: a\r\n", "a"},
        {"Sec-WebSocket-Protocol: A\r\n", NULL},
        {"", NULL},
    };

    server_start(&s, SERVER(""));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct client c = client_open(&s);
        struct answer a;
        const char *chosen;
        wsock_ask(&c, "/talk/choosy", cases[i].fields);
        a = wsock_welcome(&c);
        chosen = answer_field(&a, "Sec-WebSocket-Protocol", 0);
        ck_assert_pstr_eq(chosen, cases[i].chosen);
        answer_free(&a);
        check_echo(&c);
        client_close(&c);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(response_steps_may_refuse_it)
{
    struct client c;

    server_start(&s, SERVER("") "fails = yes\n");
    c = client_open(&s);
    wsock_ask(&c, "/talk/echo", "");
    client_take(&c, 0, 500, NULL);
    wsock_ask(&c, "/talk/echo", ""); /* and it goes on */
    client_take(&c, 0, 500, NULL);
    server_write(&s, SERVER(""));
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(count("opened"), 0);
    wsock_ask(&c, "/talk/echo", "");
    welcome(&c);
    leave(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(steps_that_wait_may_accept)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = wsock_open(&s, "/talk/task");
    check_echo(&c);
    leave(&c);
    c = client_open(&s);
    client_puts(
        &c, "GET /talk/later HTTP/1.1\r\nHost: x\r\n" UPGRADE KEY VERSION END);
    wsock_text(&c, "behind it"); /* which waits with it */
    welcome(&c);
    wsock_take_text(&c, "behind it");
    leave(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_is_not_accepted_is_not_taken)
{
    struct client c;

    if (transport_here()->is_h2) /* frames in front of the answer */
        return;
    server_start(&s, SERVER(""));
    c = client_open(&s);
    wsock_ask(&c, "/talk/none", "");
    client_take(&c, 0, 500, NULL);
    server_wait_log(&s, "takes what it has not accepted");
    wsock_ask(&c, "/talk/stack", "");
    client_take(&c, 0, 500, NULL);
    server_wait_log(&s, "its et_ws_calls are not static");
    wsock_ask(&c, "/talk/done", "");
    client_take(&c, 0, 200, "never mind");
    ck_assert_int_eq(count("opened"), 0);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- messages ------------------------------------------------------------*/

/* A text in three, with a ping within; then one of each length of length. */
static size_t
put_variety(char *to)
{
    size_t n = 0;

    n += wsock_frame(to + n, FIRST_TEXT, "on\xc3", 3);
    n += wsock_frame(to + n, MORE, "", 0);
    n += wsock_frame(to + n, PING, "within", 6);
    n += wsock_frame(to + n, MORE, "\xa9", 1);
    n += wsock_frame(to + n, LAST, "!", 1);
    n += wsock_frame(to + n, BINARY, "\xff\xfe", 2);
    n += wsock_frame(to + n, PONG, "nobody asked", 12);
    return n;
}

static void
take_variety(struct client *c)
{
    wsock_take(c, PONG, "within", 6);
    wsock_take(c, TEXT, "on\xc3\xa9!", 5);
    wsock_take(c, BINARY, "\xff\xfe", 2);
}

START_TEST(however_it_is_cut)
{
    struct client c;
    char all[256];
    size_t n = put_variety(all);

    server_start(&s, SERVER(""));
    c = wsock_open(&s, "/talk/echo");
    client_send(&c, all, n);
    take_variety(&c);
    client_drip(&c, all, n);
    take_variety(&c);
    for (size_t i = 1; i < n; i++) {
        client_send(&c, all, i);
        client_send(&c, all + i, n - i);
        take_variety(&c);
    }
    leave(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(messages_of_each_size)
{
    static const size_t sizes[] = {1,    125,   126,   127,   2047,
                                   2048, 16383, 65535, 65536, 1 << 20};
    struct client c;

    server_start(&s, SERVER(""));
    c = wsock_open(&s, "/talk/echo");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t n = sizes[i];
        char *p = malloc(n);
        memset(p, 'a' + (int)i, n);
        wsock_send(&c, i % 2 ? TEXT : BINARY, p, n);
        wsock_take(&c, i % 2 ? TEXT : BINARY, p, n);
        free(p);
    }
    leave(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(many_at_once)
{
    struct client c;
    char all[20 * 64];
    size_t n = 0;

    server_start(&s, SERVER(""));
    c = wsock_open(&s, "/talk/echo");
    for (int i = 0; i < 64; i++)
        n += wsock_frame(all + n, TEXT, "message", 7);
    for (int k = 0; k < 50; k++)
        client_send(&c, all, n);
    for (int i = 0; i < 64 * 50; i++)
        wsock_take_text(&c, "message");
    leave(&c);
    wait_count("messages", 64 * 50);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- what is wrong -------------------------------------------------------*/

static const struct {
    const char *what;
    const char *bytes;
    size_t n;
    unsigned code;
} wrong[] = {
#define W(what, bytes, code)                                                   \
    {                                                                          \
        what, bytes, sizeof(bytes) - 1, code                                   \
    }
#define M "\0\0\0\0" /* a mask that changes nothing */
    W("not masked", "\x81\x01x", 1002),
    W("a reserved bit", "\xa1\x81" M "x", 1002),
    W("another", "\x91\x81" M "x", 1002),
    W("one that was not agreed on", "\xc1\x81" M "x", 1002),
    W("a reserved opcode", "\x83\x81" M "x", 1002),
    W("a reserved control", "\x8b\x80" M, 1002),
    W("a control in fragments", "\x09\x80" M, 1002),
    W("a long control", "\x89\xfe\0\x7e" M, 1002),
    W("a length in more bytes than it needs", "\x81\xfe\0\x01" M "x", 1002),
    W("and in eight", "\x81\xff\0\0\0\0\0\0\0\x01" M "x", 1002),
    W("a length below 0", "\x82\xff\x80\0\0\0\0\0\0\0" M, 1002),
    W("a continuation of nothing", "\x80\x81" M "x", 1002),
    W("one within another", "\x01\x81" M "x\x81\x81" M "y", 1002),
    W("no UTF-8", "\x81\x82" M "\xc3\x28", 1007),
    W("half a character", "\x81\x81" M "\xc3", 1007),
    W("a surrogate", "\x81\x83" M "\xed\xa0\x80", 1007),
    W("no UTF-8, though there is more to come", "\x01\x81" M "\xff", 1007),
    W("too large", "\x82\xff\0\0\0\0\0\x10\0\x01" M, 1009),
    W("too large together", "\x02\x81" M "x\x80\xff\0\0\0\0\0\x10\0\0" M, 1009),
    W("a close of one byte", "\x88\x81" M "x", 1002),
    W("a code that may not be", "\x88\x82" M "\x03\xed", 1002),
    W("a code that is none", "\x88\x82" M "\x03\xe7", 1002),
    W("a reason that is no UTF-8", "\x88\x83" M "\x03\xe8\xff", 1007),
};

/* Until it has heard enough. */
static void
drip(struct client *c, const char *p, size_t n)
{
    for (size_t i = 0; i < n && client_try_send(c, p + i, 1); i++)
        continue;
}

START_TEST(what_is_wrong_is_said)
{
    server_start(&s, SERVER(""));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        for (int drips = 0; drips < 2; drips++) {
            struct client c = wsock_open(&s, "/talk/echo");
            if (drips)
                drip(&c, wrong[i].bytes, wrong[i].n);
            else
                client_send(&c, wrong[i].bytes, wrong[i].n);
            (void)wsock_take_close(&c, wrong[i].code);
            ck_assert_msg(client_is_closed(&c), "%s", wrong[i].what);
            client_close(&c);
            wait_count("closed", (int)(2 * i) + drips + 1);
            ck_assert_msg(count("code") == (int)wrong[i].code, "%s",
                          wrong[i].what);
        }
    }
    ck_assert_int_eq(count("messages"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- closing -------------------------------------------------------------*/

static const unsigned codes[] = {1000, 1001, 1003, 1007, 1011,
                                 1012, 1014, 3000, 4999, 0};

START_TEST(the_client_closes)
{
    int n = 0;

    server_start(&s, SERVER(""));
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct client c = wsock_open(&s, "/talk/echo");
        wsock_close_late(&c, codes[i], codes[i] ? "that is all" : "",
                         "nobody reads that"); /* RFC 6455 5.5.1 */
        wsock_ended(&c, codes[i]);
        wait_count("closed", ++n);
        ck_assert_int_eq(count("code"), codes[i] ? (int)codes[i] : 1005);
    }
    ck_assert_int_eq(count("messages"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_plugin_closes)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = wsock_open(&s, "/talk/act");
    wsock_text(&c, "close 1005");
    wsock_take_text(&c, "-4");
    wsock_text(&c, "close 999");
    wsock_take_text(&c, "-4");
    wsock_text(&c, "close 65536");
    wsock_take_text(&c, "-4");
    wsock_text(&c, "bad");
    wsock_take_text(&c, "-4");
    wsock_text(&c, "close 4001 enough of that");
    ck_assert_str_eq(wsock_take_close(&c, 4001), "enough of that");
    wsock_text(&c, "self"); /* too late */
    wsock_send(&c, PING, "x", 1);
    ck_assert(client_is_quiet(&c, 20));
    ck_assert_int_eq(count("closed"), 0);
    wsock_close(&c, 4001, "");
    ck_assert(client_is_closed(&c));
    client_close(&c);
    wait_count("closed", 1);
    ck_assert_int_eq(count("code"), 4001);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_client_goes_without_a_word)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = wsock_open(&s, "/talk/echo");
    client_close(&c);
    wait_count("closed", 1);
    ck_assert_int_eq(count("code"), 1006);
    c = wsock_open(&s, "/talk/echo");
    wsock_send(&c, FIRST_TEXT, "half", 4);
    client_shut(&c);
    wait_count("closed", 2);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    client_once(&s, GET("/talk/stale"), 200, "-2");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- pings ---------------------------------------------------------------*/

START_TEST(silence_is_asked_and_an_answer_will_do)
{
    struct client c;

    server_start(&s, SERVER("ws_ping = 50ms\nidle_demote = 10ms"));
    c = wsock_open(&s, "/talk/echo");
    for (int i = 0; i < 3; i++) {
        wsock_take(&c, PING, "", 0);
        if (i == 1)
            check_echo(&c); /* so will anything */
        else
            wsock_send(&c, PONG, "", 0);
    }
    client_gather(&c, 2); /* the next, which nobody answers */
    wait_count("closed", 1);
    ck_assert_int_eq(count("code"), 1006);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* None is dropped; but who does not take the answers is not read. */
START_TEST(a_flood_of_pings_is_held_up)
{
    struct client c;
    char all[64 * 16], payload[16];
    size_t n = 0, sent;
    char *many;

    server_start(&s, SERVER("ws_queue = 4k"));
    c = wsock_open(&s, "/talk/echo");
    for (int i = 0; i < 64; i++) {
        snprintf(payload, sizeof payload, "%07d", i);
        n += wsock_frame(all + n, PING, payload, 7);
    }
    many = malloc(n * 16384);
    for (int i = 0; i < 16384; i++)
        memcpy(many + (size_t)i * n, all, n);
    sent = client_pour(&c, many, n * 16384, 300);
    ck_assert_uint_lt(sent, n * 16384); /* it is stuck */
    client_gather(&c, sent / 13 * 9);   /* a ping is 13 bytes, a pong 9 */
    free(many);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- sending -------------------------------------------------------------*/

START_TEST(a_full_queue_is_told_and_written_to_again)
{
    struct client c;
    size_t n = 0;

    server_start(&s, SERVER("ws_queue = 64k"));
    c = wsock_open(&s, "/talk/act");
    wsock_text(&c, "flood 10000");
    wsock_text(&c, "self"); /* comes behind that */
    wait_count("messages", 0);
    for (;;) {
        struct wsock_got g = wsock_next(&c);
        if (g.first == TEXT) {
            ck_assert_str_eq(g.p, "flooded");
            break;
        }
        ck_assert_uint_eq(g.n, 10000);
        n++;
    }
    ck_assert_uint_ge(n, 6);
    ck_assert_int_eq(count("writable"), 1);
    ck_assert_uint_eq(wsock_next(&c).first, TEXT);
    wsock_text(&c, "send 3000000"); /* more than may wait, but nothing does */
    ck_assert_uint_eq(wsock_next(&c).n, 3000000);
    leave(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* One answer at most is to be kept, however fast it is asked. */
START_TEST(who_echoes_keeps_one_message)
{
    struct client c;
    char *p = malloc(100000);
    size_t n;

    server_start(&s, SERVER("ws_queue = 128k"));
    c = wsock_open(&s, "/talk/echo");
    n = wsock_frame(p, BINARY, p + 50000, 40000);
    for (int i = 0; i < 100; i++)
        client_pour(&c, p, n, 0);
    client_close(&c);
    free(p);
    wait_count("closed", 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(who_does_not_read_is_closed)
{
    struct client c;

    server_start(&s, SERVER("write_timeout = 200ms"));
    c = wsock_open(&s, "/talk/act");
    wsock_text(&c, "send 15000000");
    wait_count("closed", 1);
    ck_assert_int_eq(count("code"), 1006);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(others_may_send_to_it)
{
    struct client c, d;

    server_start(&s, SERVER(""));
    c = wsock_open(&s, "/talk/act");
    wsock_text(&c, "post");
    wsock_take_text(&c, "posted");
    client_once(&s, GET("/talk/post"), 200, "begun");
    wsock_take_text(&c, "posted");
    d = wsock_open(&s, "/talk/act");
    wsock_text(&d, "all hands");
    wsock_take_text(&d, "hands");
    wsock_take_text(&d, "2");
    wsock_take_text(&c, "hands");
    leave(&c);
    leave(&d);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_plugin_that_comes_with_it)
{
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "[plugin ws-echo]\norigin = https://a.example\n"
                     "protocol = echo\nmax = 1k\n"
                     "[route ws]\nmatch = GET /ws\nhandler = ws-echo\n");
    c = client_open(&s);
    wsock_ask(&c, "/ws", "Origin: http://x.example\r\n");
    client_take(&c, 0, 403, NULL);
    wsock_ask(&c, "/ws",
              "Origin: https://a.example\r\nSec-WebSocket-Protocol: echo\r\n");
    welcome(&c);
    check_echo(&c);
    wsock_send(&c, BINARY, (char[1025]){0}, 1025);
    wsock_ended(&c, 1009);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(ws, the_plugin_that_comes_with_it, a_request_becomes_a_stream,
          bytes_behind_it_are_frames, what_is_no_handshake_is_answered, origins,
          subprotocols_are_the_client_s_choice, response_steps_may_refuse_it,
          steps_that_wait_may_accept, what_is_not_accepted_is_not_taken,
          however_it_is_cut, messages_of_each_size, many_at_once,
          what_is_wrong_is_said, the_client_closes, the_plugin_closes,
          the_client_goes_without_a_word,
          silence_is_asked_and_an_answer_will_do, a_flood_of_pings_is_held_up,
          a_full_queue_is_told_and_written_to_again,
          who_echoes_keeps_one_message, who_does_not_read_is_closed,
          others_may_send_to_it)
