/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_deflate.c - WebSockets whose messages are compressed (RFC 7692): what is
 * agreed on, what goes over the wire, what it may cost.
 * tags: epoll asan tsan */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/check.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nws_deflate_min = 1\n" more   \
    "\n[plugin talk]\n"
#define OFFER(params)                                                          \
    "Sec-WebSocket-Extensions: permessage-deflate" params "\r\n"

#define TEXT 0x81
#define DEFLATED_TEXT 0xc1
#define DEFLATED_FIRST 0x41
#define LAST 0x80
#define PING 0x89
#define PONG 0x8a

static struct server s;

static void
wait_count(const char *what, int n)
{
    tally_wait(&s, GET("/talk/count"), what, n);
}

/* ---- the client's side ---------------------------------------------------*/

struct zip {
    z_stream in, out;
};

static void
zip_open(struct zip *z, int server_bits, int client_bits)
{
    *z = (struct zip){0};
    ck_assert_int_eq(inflateInit2(&z->in, -server_bits), Z_OK);
    ck_assert_int_eq(deflateInit2(&z->out, 6, Z_DEFLATED, -client_bits, 8,
                                  Z_DEFAULT_STRATEGY),
                     Z_OK);
}

static void
zip_close(struct zip *z)
{
    inflateEnd(&z->in);
    deflateEnd(&z->out);
}

static size_t
zip_deflate(struct zip *z, const char *p, size_t n, char *to, size_t cap)
{
    z->out.next_in = (Bytef *)(uintptr_t)p;
    z->out.avail_in = (uInt)n;
    z->out.next_out = (Bytef *)to;
    z->out.avail_out = (uInt)cap;
    ck_assert_int_eq(deflate(&z->out, Z_SYNC_FLUSH), Z_OK);
    ck_assert_uint_gt(z->out.avail_out, 0);
    return cap - z->out.avail_out - 4;
}

/* The next frame is a compressed text; what that is, in text. */
static size_t
take(struct zip *z, struct client *c, char *text, size_t cap)
{
    struct wsock_got g = wsock_next(c);
    char *all = malloc(g.n + 4);

    ck_assert_msg(g.first == DEFLATED_TEXT, "%02x %s", g.first, g.p);
    memcpy(all, g.p, g.n);
    memcpy(all + g.n, "\0\0\xff\xff", 4);
    z->in.next_in = (Bytef *)all;
    z->in.avail_in = (uInt)(g.n + 4);
    z->in.next_out = (Bytef *)text;
    z->in.avail_out = (uInt)cap;
    ck_assert_int_eq(inflate(&z->in, Z_SYNC_FLUSH), Z_OK);
    ck_assert_uint_eq(z->in.avail_in, 0);
    text[cap - z->in.avail_out] = '\0';
    free(all);
    return g.n;
}

/* Send text compressed, and see it come back so: how long that was. */
static size_t
echo(struct zip *z, struct client *c, const char *text)
{
    char there[4096], back[4096];
    size_t n = zip_deflate(z, text, strlen(text), there, sizeof there);

    wsock_send(c, DEFLATED_TEXT, there, n);
    n = take(z, c, back, sizeof back - 1);
    ck_assert_str_eq(back, text);
    return n;
}

/* ---- what is agreed on ---------------------------------------------------*/

static const struct {
    const char *setting, *offer, *agreed;
} terms[] = {
    {"", OFFER(""), NULL},
    {"ws_deflate = takeover", OFFER(""),
     "permessage-deflate; server_max_window_bits=12"},
    {"ws_deflate = takeover", OFFER("; client_max_window_bits"),
     "permessage-deflate; server_max_window_bits=12; "
     "client_max_window_bits=12"},
    {"ws_deflate = takeover",
     OFFER("; client_max_window_bits=9; server_max_window_bits=10"),
     "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
    {"ws_deflate = takeover", OFFER("; server_max_window_bits=8"), NULL},
    {"ws_deflate = takeover",
     OFFER("; server_max_window_bits=8, permessage-deflate"),
     "permessage-deflate; server_max_window_bits=12"},
    {"ws_deflate = takeover", OFFER("; unknown"), NULL},
    {"ws_deflate = takeover", "Sec-WebSocket-Extensions: x-other\r\n", NULL},
    {"ws_deflate = takeover", OFFER("; client_no_context_takeover"),
     "permessage-deflate; client_no_context_takeover; "
     "server_max_window_bits=12"},
    {"ws_deflate = fresh", OFFER("; client_max_window_bits"),
     "permessage-deflate; server_no_context_takeover; "
     "client_no_context_takeover; server_max_window_bits=12; "
     "client_max_window_bits=12"},
    {"ws_deflate = takeover\nws_deflate_memory = 40k", OFFER(""), NULL},
};

static void
check_agreed(const char *path, const char *offer, const char *agreed)
{
    struct client c = client_open(&s);
    struct answer a;
    const char *got;

    wsock_ask(&c, path, offer);
    a = wsock_welcome(&c);
    got = answer_field(&a, "Sec-WebSocket-Extensions", 0);
    ck_assert_pstr_eq(got, agreed);
    answer_free(&a);
    wsock_text(&c, "plain"); /* which is allowed in any case */
    ck_assert_uint_eq(wsock_next(&c).first, agreed ? DEFLATED_TEXT : TEXT);
    client_close(&c);
}

START_TEST(each_offer_has_its_answer)
{
    char ini[512];

    server_start(&s, SERVER(""));
    for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
        snprintf(ini, sizeof ini, SERVER("%s"), terms[i].setting);
        server_write(&s, ini);
        ck_assert_int_eq(server_reload(&s), 1);
        check_agreed("/talk/echo", terms[i].offer, terms[i].agreed);
    }
    snprintf(ini, sizeof ini, SERVER("%s"), "ws_deflate = takeover");
    server_write(&s, ini);
    ck_assert_int_eq(server_reload(&s), 1);
    check_agreed("/talk/choosy", OFFER(""), NULL); /* it does not want it */
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- messages ------------------------------------------------------------*/

#define LONG "a text that comes again and again, and again and again"

START_TEST(a_context_is_taken_over)
{
    struct client c;
    struct zip z;
    size_t first;

    server_start(&s, SERVER("ws_deflate = takeover"));
    c = wsock_open_with(&s, "/talk/echo", OFFER("; client_max_window_bits"));
    zip_open(&z, 12, 12);
    first = echo(&z, &c, LONG);
    ck_assert_uint_lt(echo(&z, &c, LONG), first / 2);
    wsock_text(&c, LONG); /* plain ones do not count there */
    (void)take(&z, &c, (char[4096]){0}, 4095);
    ck_assert_uint_lt(echo(&z, &c, LONG), first / 2);
    wsock_close(&c, 1000, "");
    wsock_ended(&c, 1000);
    zip_close(&z);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(or_each_message_is_by_itself)
{
    struct client c;
    struct zip z;
    size_t first;

    server_start(&s, SERVER("ws_deflate = fresh"));
    c = wsock_open_with(&s, "/talk/echo", OFFER(""));
    zip_open(&z, 12, 15);
    first = echo(&z, &c, LONG);
    for (int i = 0; i < 3; i++) {
        deflateReset(&z.out);
        inflateReset(&z.in);
        ck_assert_uint_eq(echo(&z, &c, LONG), first);
    }
    zip_close(&z);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* In fragments, torn anywhere; with a control frame within. */
START_TEST(however_it_is_cut)
{
    struct client c;
    struct zip z;
    char deflated[512], all[600], back[512];
    size_t n, m;

    server_start(&s, SERVER("ws_deflate = fresh"));
    c = wsock_open_with(&s, "/talk/echo", OFFER(""));
    zip_open(&z, 12, 15);
    n = zip_deflate(&z, LONG, strlen(LONG), deflated, sizeof deflated);
    for (size_t i = 0; i <= n; i++) {
        m = wsock_frame(all, DEFLATED_FIRST, deflated, i);
        m += wsock_frame(all + m, 0x89, "?", 1);
        m += wsock_frame(all + m, LAST, deflated + i, n - i);
        if (i % 2)
            client_send(&c, all, m);
        else
            client_drip(&c, all, m);
        wsock_take(&c, 0x8a, "?", 1);
        inflateReset(&z.in);
        (void)take(&z, &c, back, sizeof back - 1);
        ck_assert_str_eq(back, LONG);
    }
    zip_close(&z);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* RFC 7692 7.2.3: stored, final, several, none. */
START_TEST(the_examples_of_the_rfc)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *text;
    } v[] = {
#define V(bytes, text) {bytes, sizeof(bytes) - 1, text}
        V("\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello"),
        V("\xf2\x00\x11\x00\x00", "Hello"), /* with what went before */
        V("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", "Hello"),
        V("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello"), /* BFINAL */
        V("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello"),
        V("\x00", ""),
        V("\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello"),
    };
    struct client c;
    struct zip z;
    char back[512];

    server_start(&s, SERVER("ws_deflate = takeover"));
    c = wsock_open_with(&s, "/talk/echo", OFFER(""));
    zip_open(&z, 12, 15);
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        wsock_send(&c, DEFLATED_TEXT, v[i].bytes, v[i].n);
        if (*v[i].text == '\0') {
            wsock_take(&c, TEXT, "", 0);
            continue;
        }
        (void)take(&z, &c, back, sizeof back - 1);
        ck_assert_str_eq(back, v[i].text);
    }
    zip_close(&z);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- what is wrong, and too much -----------------------------------------*/

START_TEST(what_is_not_deflated_is_said)
{
    static const struct {
        const char *bytes;
        size_t n;
    } v[] = {
#define W(bytes) {bytes, sizeof(bytes) - 1}
        W("\xff\xff\xff"),     /* no block */
        W("\xf2\x48\xcd\xc9"), /* cut */
        W(""),
    };

    server_start(&s, SERVER("ws_deflate = takeover"));
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        struct client c = wsock_open_with(&s, "/talk/echo", OFFER(""));
        wsock_send(&c, DEFLATED_TEXT, v[i].bytes, v[i].n);
        wsock_ended(&c, 1007);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static void
check_refused(const char *text, size_t n, unsigned code)
{
    struct client c = wsock_open_with(&s, "/talk/echo", OFFER(""));
    char *deflated = malloc(n + 1024);
    struct zip z;

    zip_open(&z, 12, 15);
    n = zip_deflate(&z, text, n, deflated, n + 1024);
    wsock_send(&c, DEFLATED_TEXT, deflated, n);
    wsock_ended(&c, code);
    zip_close(&z);
    free(deflated);
}

START_TEST(what_it_inflates_to_is_judged)
{
    char *bomb = calloc(1, 12 << 20);

    server_start(&s, SERVER("ws_deflate = takeover"));
    check_refused("no \xff UTF-8", 10, 1007);
    check_refused("half \xc3", 6, 1007);
    check_refused(bomb, 12 << 20, 1009); /* some KiB on the wire */
    free(bomb);
    wait_count("closed", 3);
    ck_assert_int_eq(tally(&s, GET("/talk/count"), "messages"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(rsv1_is_for_the_first_frame_of_a_message)
{
    struct client c;

    server_start(&s, SERVER("ws_deflate = takeover"));
    c = wsock_open_with(&s, "/talk/echo", OFFER(""));
    wsock_send(&c, 0xc9, "", 0);
    wsock_ended(&c, 1002);
    c = wsock_open_with(&s, "/talk/echo", OFFER(""));
    wsock_send(&c, 0x01, "a", 1);
    wsock_send(&c, 0xc0, "b", 1);
    wsock_ended(&c, 1002);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Beyond it offers are declined, until somebody leaves. */
START_TEST(memory_is_bounded)
{
    struct client c[2];

    server_start(&s, SERVER("ws_deflate = takeover\nws_deflate_memory = 128k"));
    c[0] = wsock_open_with(&s, "/talk/echo", OFFER(""));
    check_agreed("/talk/echo", OFFER(""), NULL);
    client_close(&c[0]);
    wait_count("closed", 2);
    check_agreed("/talk/echo", OFFER(""),
                 "permessage-deflate; server_max_window_bits=12");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* n times "a", compressed, in one frame with that first byte; or, if it is not
 * the last, two, of which the second is still to come: its bytes, in rest. */
static size_t
send_many(struct client *c, unsigned first, size_t n, char rest[16])
{
    char *text = malloc(n), *to = malloc(n);
    struct zip z;
    size_t len;

    memset(text, 'a', n);
    zip_open(&z, 15, 15);
    len = zip_deflate(&z, text, n, to, n);
    if (first & LAST) {
        wsock_send(c, first, to, len);
        len = 0;
    } else {
        wsock_send(c, first, to, len - 2);
        memcpy(rest, to + len - 2, 2);
        len = 2;
    }
    zip_close(&z);
    free(text);
    free(to);
    return len;
}

/* The text that came back. */
static void
take_many(struct client *c, size_t n)
{
    char *text = malloc(n + 1);
    struct zip z;

    zip_open(&z, 15, 15);
    (void)take(&z, c, text, n);
    ck_assert_uint_eq(strspn(text, "a"), n);
    zip_close(&z);
    free(text);
}

#define FEW "ws_deflate = fresh\nws_deflate_memory = 256k\n"

/* A kilobyte on the wire may be a megabyte here. */
START_TEST(what_is_not_whole_is_bounded)
{
    struct client c, d;
    struct zip z;
    char rest[16], none[16];
    size_t n;

    server_start(&s, SERVER(FEW));
    c = wsock_open_with(&s, "/talk/echo", OFFER(""));
    n = send_many(&c, DEFLATED_FIRST, 600000, rest); /* one may */
    wsock_send(&c, PING, "x", 1);
    wsock_take(&c, PONG, "x", 1);
    d = wsock_open_with(&s, "/talk/echo", OFFER(""));
    zip_open(&z, 15, 15);
    (void)echo(&z, &d, "small ones are no matter");
    zip_close(&z);
    (void)send_many(&d, DEFLATED_TEXT, 100000, none);
    wsock_ended(&d, 1013);
    wsock_send(&c, LAST, rest, n);
    take_many(&c, 600000);
    d = wsock_open_with(&s, "/talk/echo", OFFER(""));
    (void)send_many(&d, DEFLATED_TEXT, 100000, rest);
    take_many(&d, 100000);
    (void)send_many(&c, DEFLATED_FIRST, 600000, rest);
    wsock_send(&c, PING, "x", 1);
    wsock_take(&c, PONG, "x", 1);
    client_close(&c); /* what it was goes with it */
    wait_count("closed", 2);
    (void)send_many(&d, DEFLATED_TEXT, 100000, rest);
    take_many(&d, 100000);
    client_close(&d);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(so_is_what_a_task_has_not_taken)
{
    struct client c, d;
    char rest[16];

    server_start(&s, SERVER(FEW "\n[plugin dialog]"));
    c = wsock_open_with(&s, "/dialog/act", OFFER(""));
    wsock_text(&c, "sleep 60000");
    (void)send_many(&c, DEFLATED_TEXT, 600000, rest);
    d = wsock_open_with(&s, "/dialog/echo", OFFER(""));
    for (;;) { /* until that has come */
        struct wsock_got g;
        (void)send_many(&d, DEFLATED_TEXT, 100000, rest);
        g = wsock_next(&d);
        if (g.first == 0x88) {
            ck_assert_uint_eq(g.n, 2);
            ck_assert_int_eq(memcmp(g.p, "\x03\xf5", 2), 0); /* 1013 */
            break;
        }
        ck_assert_uint_eq(g.first, DEFLATED_TEXT);
    }
    client_close(&d);
    client_close(&c);
    tally_wait(&s, GET("/dialog/count"), "over", 2);
    d = wsock_open_with(&s, "/dialog/echo", OFFER(""));
    for (int i = 0; i < 3; i++) {
        (void)send_many(&d, DEFLATED_TEXT, 100000, rest);
        take_many(&d, 100000);
    }
    client_close(&d);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_is_no_text_is_said_before_it_is_whole)
{
    struct client c;
    struct zip z;
    char to[256];
    size_t n;

    server_start(&s, SERVER("ws_deflate = takeover"));
    c = wsock_open_with(&s, "/talk/echo", OFFER(""));
    zip_open(&z, 15, 15);
    n = zip_deflate(&z, "no \xff UTF-8", 10, to, sizeof to);
    wsock_send(&c, DEFLATED_FIRST, to, n);
    wsock_ended(&c, 1007);
    zip_close(&z);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(ws_deflate, each_offer_has_its_answer, a_context_is_taken_over,
          or_each_message_is_by_itself, however_it_is_cut,
          the_examples_of_the_rfc, what_is_not_deflated_is_said,
          what_it_inflates_to_is_judged,
          rsv1_is_for_the_first_frame_of_a_message, memory_is_bounded,
          what_is_not_whole_is_bounded, so_is_what_a_task_has_not_taken,
          what_is_no_text_is_said_before_it_is_whole)
