/* SPDX-License-Identifier: BSD-2-Clause */
/* chat.c - the plugin chat: rooms across workers, over reloads, with clients
 * that mean no good.
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(options)                                                        \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"                            \
    "drain_timeout = 10m\n[plugin chat]\n" options "\n"
#define MANY 20

static struct server s;

/* ---- people ---------------------------------------------------------------*/

/* The next message; of one with a time, from the name on. */
static const char *
heard(struct client *c)
{
    struct wsock_got got = wsock_next(c);
    const char *name = strstr(got.p, "\"name\":");

    ck_assert_uint_eq(got.first, 0x81);
    return name ? name : got.p;
}

static void
hears(struct client *c, const char *what)
{
    ck_assert_str_eq(heard(c), what);
}

/* Until it hears that. */
static void
waits(struct client *c, const char *what)
{
    while (!strstr(heard(c), what))
        ;
}

static struct client
join(const char *path, const char *name)
{
    char text[128];
    struct client c = wsock_open(&s, path);

    snprintf(text, sizeof text, "{\"hello\":\"%s\"}", name);
    wsock_text(&c, text);
    return c;
}

/* Until it is in, of a room in which nothing was said. */
static struct client
enter(const char *path, const char *name)
{
    struct client c = join(path, name);
    char text[128];

    snprintf(text, sizeof text, "{\"welcome\":\"%s\",\"max\":2048}", name);
    wsock_take_text(&c, text);
    snprintf(text, sizeof text, "\"name\":\"%s\",\"event\":\"join\"}", name);
    waits(&c, text);
    return c;
}

static void
says(struct client *c, const char *text)
{
    char line[4096];

    snprintf(line, sizeof line, "{\"text\":\"%s\"}", text);
    wsock_text(c, line);
}

/* ---- talking --------------------------------------------------------------*/

/* Connections go round: they are on both workers. */
START_TEST(a_room_hears_what_is_said_in_it)
{
    struct client v[MANY], other;

    server_start(&s, SERVER(""));
    for (int i = 0; i < MANY; i++)
        v[i] = enter("/chat/a", "x");
    other = enter("/chat/b", "y");
    says(&v[0], "h\\u00e4 \\\"<b>\\ud83d\\ude00");
    for (int i = 0; i < MANY; i++)
        waits(&v[i], "\"name\":\"x\",\"text\":\"h\xc3\xa4 \\\"<b>"
                     "\xf0\x9f\x98\x80\"}");
    says(&other, "alone");
    hears(&other, "\"name\":\"y\",\"text\":\"alone\"}");
    wsock_close(&v[0], 1000, "");
    wsock_ended(&v[0], 1000);
    for (int i = 1; i < MANY; i++) {
        waits(&v[i], "\"event\":\"leave\"");
        client_close(&v[i]);
    }
    client_close(&other);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A connection to that worker. */
static struct client
connect_to(char worker)
{
    for (;;) {
        struct client c = client_open(&s);
        struct answer a;
        char which;

        client_puts(&c, GET("/toil/0"));
        a = client_answer(&c, 0);
        which = a.body[0];
        answer_free(&a);
        if (which == worker)
            return c;
        client_close(&c);
    }
}

/* It comes in on a worker that is busy while something is said on the other,
 * and has nobody else in the room: in one of the rounds. */
START_TEST(nothing_is_said_between_the_log_and_the_room)
{
    struct client a, between, b, busy;
    char room[16];

    server_start(&s, SERVER("[plugin toil]\n[plugin slow]"));
    for (int i = 0; i < 8; i++) {
        snprintf(room, sizeof room, "/chat/%d", i);
        a = enter(room, "a");
        if (i & 1)
            between = client_open(&s);
        b = wsock_open(&s, room);
        busy = connect_to(i & 4 ? '1' : '0');
        client_puts(&busy, GET("/slow/300"));
        server_wait_log(&s, "slow: begins");
        wsock_text(&b, "{\"hello\":\"b\"}");
        says(&a, "now");
        waits(&b, "\"text\":\"now\"}");
        client_close(&busy);
        client_close(&b);
        if (i & 1)
            client_close(&between);
        client_close(&a);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Who comes in on whichever worker is told what was said on any. */
START_TEST(who_comes_in_is_told_what_was_said)
{
    struct client a, v[4];

    server_start(&s, SERVER("history = 2"));
    a = enter("/chat/a", "a");
    for (int i = 0; i < 3; i++) {
        char text[] = {(char)('1' + i), '\0'}, expected[64];
        says(&a, text);
        snprintf(expected, sizeof expected, "\"name\":\"a\",\"text\":\"%s\"}",
                 text);
        hears(&a, expected);
    }
    for (int i = 0; i < 4; i++) {
        v[i] = join("/chat/a", "b");
        hears(&v[i], "\"name\":\"a\",\"text\":\"2\"}");
        hears(&v[i], "\"name\":\"a\",\"text\":\"3\"}");
        wsock_take_text(&v[i], "{\"welcome\":\"b\",\"max\":2048}");
    }
    for (int i = 0; i < 4; i++)
        client_close(&v[i]);
    client_close(&a);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- reloads
 * ---------------------------------------------------------------*/

START_TEST(another_plugin_s_reload_is_not_noticed)
{
    struct client v[MANY];

    server_start(&s, SERVER(""));
    for (int i = 0; i < MANY; i++)
        v[i] = enter("/chat/a", "x");
    server_write(&s, SERVER("") "[plugin hello]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    says(&v[1], "still here");
    for (int i = 0; i < MANY; i++) {
        waits(&v[i], "still here");
        client_close(&v[i]);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(its_own_sends_them_back_to_what_is_new)
{
    struct client v[MANY], c;

    server_start(&s, SERVER(""));
    for (int i = 0; i < MANY; i++)
        v[i] = enter("/chat/a", "x");
    says(&v[0], "remember");
    for (int i = 0; i < MANY; i++)
        waits(&v[i], "remember");
    server_write(&s, SERVER("history = 10"));
    ck_assert_int_eq(server_reload(&s), 1);
    for (int i = 0; i < MANY; i++) {
        ck_assert_str_eq(wsock_take_close(&v[i], 1012), "come again");
        wsock_close(&v[i], 1012, "");
        ck_assert(client_is_closed(&v[i]));
        client_close(&v[i]);
    }
    for (int i = 0; i < 4; i++) { /* both workers */
        c = join("/chat/a", "x");
        hears(&c, "\"name\":\"x\",\"text\":\"remember\"}");
        client_close(&c);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- those who mean no good
 * ------------------------------------------------*/

START_TEST(what_is_no_message_is_not_told)
{
    static const char *const bad[] = {
        "",
        "x",
        "{}",
        "[]",
        "{\"text\":1}",
        "{\"text\":\"a\"",
        "{\"text\":\"a\"}}",
        "{\"text\":\"a\",\"text\":\"b\"}",
        "{\"name\":\"a\"}",
        "{\"texttexttexttext\":\"a\"}",
        "{\"text\":\"\\ud800\"}",
        "{\"text\":\"\\udc00\\ud800\"}",
        "{\"text\":\"\\u00g0\"}",
        "{\"text\":\"\\x\"}",
        "{\"text\":\"\\",
        "{\"text\":\"a\nb\"}",
        "{\"text\":\"\\n\"}",
        "{\"text\":\"\\u0000\"}",
        "{\"text\":\"\\u0085\"}",
        "{\"text\":\"\\u202e\"}",
        "{\"text\":\"\"}",
        "{\"text\":\"  \"}",
        "{\"text\":\"\\u200b\"}",
        "{\"hello\":\"again\"}",
    };
    struct client c, d;

    server_start(&s, SERVER("rate = 1000/s"));
    d = enter("/chat/a", "d");
    c = enter("/chat/a", "c");
    waits(&d, "join");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wsock_text(&c, bad[i]);
        ck_assert_msg(strncmp(heard(&c), "{\"error\":\"", 10) == 0, "%s",
                      bad[i]);
    }
    wsock_send(&c, 0x82, "{\"text\":\"a\"}", 12);
    hears(&c, "{\"error\":\"not understood\"}");
    wsock_text(&c, " { \"text\" :\t\"fine\" }\r\n");
    hears(&c, "\"name\":\"c\",\"text\":\"fine\"}");
    hears(&d, "\"name\":\"c\",\"text\":\"fine\"}"); /* and nothing before */
    client_close(&c);
    client_close(&d);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(names_and_rooms_are_bounded)
{
    char text[128] = "{\"hello\":\"", path[256];
    struct client c;

    if (transport_here()->is_h2) /* a handshake of HTTP/1 is asked for */
        return;
    server_start(&s, SERVER("max_rooms = 2\nrate = 1000/s\nmax_message = 5"));
    c = wsock_open(&s, "/chat/a");
    says(&c, "hi");
    hears(&c, "{\"error\":\"who are you?\"}");
    memset(text + 10, 'x', 41);
    strcpy(text + 51, "\"}");
    wsock_text(&c, text);
    waits(&c, "a name has");
    strcpy(text + 50, "\"}");
    wsock_text(&c, text);
    waits(&c, "welcome");
    waits(&c, "join");
    says(&c, "12345");
    waits(&c, "12345");
    says(&c, "123456");
    hears(&c, "{\"error\":\"too long\"}");
    snprintf(path, sizeof path, "GET /chat/%0*d HTTP/1.1\r\nHost: x\r\n\r\n",
             65, 0);
    client_once(&s, path, 404, NULL);
    client_once(&s, GET("/chat/%0a"), 404, NULL);
    client_once(&s, GET("/chat/%ff"), 404, NULL); /* no UTF-8 */
    client_once(&s, GET("/chat/a%2fb"), 404, NULL);
    client_once(&s, GET("/chat/a%252Fb"), 404, NULL); /* else the same one */
    client_once(&s, GET("/chat/%25ff"), 426, NULL);
    client_once(&s, GET("/chat/b"), 426, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(rooms_with_somebody_in_them_are_bounded)
{
    struct client v[8], c;
    int n_refused = 0;

    server_start(&s, SERVER("max_rooms = 1"));
    for (int i = 0; i < 8; i++)
        v[i] = enter("/chat/a", "x"); /* on both workers */
    for (int i = 0; i < 4; i++) {
        struct answer a;
        c = client_open(&s);
        wsock_ask(&c, "/chat/b", "");
        a = client_answer(&c, 0);
        n_refused += a.status == 503;
        answer_free(&a);
        client_close(&c);
    }
    ck_assert_int_eq(n_refused, 4);
    for (int i = 0; i < 8; i++) {
        wsock_close(&v[i], 1000, "");
        ck_assert_uint_gt(client_read_all(&v[i]), 0);
        client_close(&v[i]);
    }
    c = enter("/chat/b", "y");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(one_cannot_flood_a_room)
{
    struct client c, d;
    int n = 0, n_warned = 0;

    server_start(&s, SERVER("rate = 5/h"));
    d = enter("/chat/a", "d");
    c = enter("/chat/a", "c"); /* which is one of the five */
    for (int i = 0; i < 200; i++)
        says(&c, "spam");
    wsock_close(&c, 1000, "");
    for (;;) {
        struct wsock_got got = wsock_next(&c);
        if (got.first != 0x81)
            break;
        n += strstr(got.p, "spam") != NULL;
        n_warned += strstr(got.p, "slowly") != NULL;
    }
    ck_assert_int_le(n, 4);
    ck_assert_int_eq(n_warned, 1);
    client_close(&c);
    n = 0;
    for (;;) {
        const char *text = heard(&d);
        if (strstr(text, "leave"))
            break;
        n += strstr(text, "spam") != NULL;
    }
    ck_assert_int_eq(n, 4);
    client_close(&d);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- the page
 * --------------------------------------------------------------*/

/* What stands between the two, as a policy names it. */
static const char *
hash_of(const char *text, const char *from, const char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    static char name[64];
    const char *begin = strstr(text, from), *end;
    uint8_t d[SHA256_LEN + 1] = {0};
    char *out = name;

    ck_assert_ptr_nonnull(begin);
    begin += strlen(from);
    end = strstr(begin, to);
    ck_assert_ptr_nonnull(end);
    sha256_of(begin, (size_t)(end - begin), d);
    out += sprintf(out, "'sha256-");
    for (int i = 0; i < SHA256_LEN; i += 3) {
        unsigned n = (unsigned)d[i] << 16 | (unsigned)d[i + 1] << 8 | d[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = digits[n >> shift & 63];
    }
    snprintf(out - 1, 3, "='");
    return name;
}

START_TEST(the_page_keeps_its_own_rules)
{
    struct client c;
    struct answer a;
    char rules[1000];

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_puts(&c, GET("/chat"));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    snprintf(rules, sizeof rules, "%s",
             answer_field(&a, "Content-Security-Policy", 0));
    unit_has(rules, hash_of(a.body, "<style>", "</style>"));
    unit_has(rules, hash_of(a.body, "<script>", "</script>"));
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(chat, a_room_hears_what_is_said_in_it,
          nothing_is_said_between_the_log_and_the_room,
          who_comes_in_is_told_what_was_said,
          another_plugin_s_reload_is_not_noticed,
          its_own_sends_them_back_to_what_is_new,
          what_is_no_message_is_not_told, names_and_rooms_are_bounded,
          rooms_with_somebody_in_them_are_bounded, one_cannot_flood_a_room,
          the_page_keeps_its_own_rules)
