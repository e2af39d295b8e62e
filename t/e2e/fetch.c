/* SPDX-License-Identifier: BSD-2-Clause */
/* fetch.c - plugins ask another server, which says whatever it likes: the test
 * plays it.
 * tags: epoll asan tsan tls */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/upstream.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n" more   \
    "\n[plugin fetch]\n"
#define COUNT "GET /fetch/count HTTP/1.1\r\nHost: x\r\n\r\n"
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
/* A label is too long for any server of names: nobody is asked. */
#define NO_NAME                                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.x"
#define OK_HELLO "0 200 5 5 - hello"

static struct server s;
static struct upstream u;
static struct client c;

static void
set_up(const char *ini)
{
    upstream_open(&u);
    server_start(&s, ini);
    c = client_open(&s);
}

static void
tear_down(void)
{
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    upstream_close(&u);
}

/* Have the plugin ask. */
static void
ask(const char *how, const char *query)
{
    client_printf(&c, "GET /fetch/%s?port=%u&%s HTTP/1.1\r\nHost: x\r\n\r\n",
                  how, u.port, query);
}

static void
answer(const char *text)
{
    client_take(&c, 0, 200, text);
}

/* Ask, on a connection that the upstream takes and says that on, and closes. */
static void
dialogue(const char *how, const char *query, const char *reply,
         const char *text)
{
    int fd;

    ask(how, query);
    fd = upstream_take(&u);
    upstream_say(fd, reply);
    close(fd);
    answer(text);
}

static void
wait_figure(const char *name, int n)
{
    tally_wait_figure(&s, name, n);
}

/* ---- what is asked -------------------------------------------------------*/

START_TEST(it_asks_and_is_answered)
{
    set_up(SERVER(""));
    dialogue("whole", "path=/a%3Fb%3Dc", HELLO, OK_HELLO);
    ck_assert_ptr_eq(strstr(u.heard, "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:"),
                     u.heard);
    ck_assert_ptr_null(strstr(u.heard, "Content-Length"));
    dialogue("whole", "name=X-Asked&value=it%20has",
             "HTTP/1.1 201 Made\r\nx-asked:  yes \r\nContent-Length: 0\r\n\r\n",
             "0 201 0 0 yes ");
    ck_assert_ptr_nonnull(strstr(u.heard, "\r\nX-Asked: it has\r\n"));
    dialogue("whole", "name=Host&value=other", HELLO, OK_HELLO);
    ck_assert_ptr_nonnull(strstr(u.heard, "\r\nHost: other\r\n"));
    ck_assert_ptr_null(strstr(u.heard, "127.0.0.1"));
    dialogue("token", "", HELLO, OK_HELLO);
    dialogue("pieces", "n=2", HELLO, OK_HELLO);
    ck_assert_int_eq(tally_figure(&s, "fetches_total"), 5);
    ck_assert_int_eq(tally_figure(&s, "fetches_failed_total"), 0);
    ck_assert_int_eq(tally_figure(&s, "fetches_active"), 0);
    tear_down();
}
END_TEST

START_TEST(what_would_split_the_request_is_refused)
{
    static const char *const queries[] = {
        "name=A&value=b%0d%0aC:%20d",
        "name=A&value=b%0aC:%20d",
        "name=A&value=b%00",
        "name=A%0d%0aB&value=c",
        "name=A%20B&value=c",
        "name=&value=c",
        "name=Content-Length&value=5",
        "name=transfer-encoding&value=chunked",
        "name=Connection&value=close",
        "name=Expect&value=100-continue",
        "name=Upgrade&value=x",
        "name=TE&value=trailers",
        "name=Host&value=a%20b",
        "method=GE%20T",
        "method=CONNECT",
        "method=GET%0d%0aA:b",
        "path=/a%20b",
        "path=/a%0d%0ab",
        "path=/a%23b",
        "path=/%ff",
        "host=user@a",
        "host=a%20b",
        "host=%0d%0a",
        "url=/only/a/path",
        "url=http://",
        "url=http://:80/",
        "url=http://a:0/",
        "url=http://a:99999/",
        "url=http://[::1/",
        "url=ftp://a/",
    };
    char expected[64];

    set_up(SERVER(""));
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        ask(i % 2 ? "token" : "whole", queries[i]);
        snprintf(expected, sizeof expected, "-4 0 0 0 - ");
        answer(expected);
    }
    ask("whole", "url=https://a/"); /* ET_ENOTSUP */
    answer("-6 0 0 0 - ");
    ask("plain", ""); /* ET_EPHASE: it is no task */
    answer("-3");
    ck_assert(upstream_is_quiet(&u, 100));
    ask("misuse", "");
    close(upstream_accept(&u));
    answer("-4 -3 -4 -4 -3 -3 -4");
    tear_down();
}
END_TEST

START_TEST(names_are_looked_up)
{
    struct upstream v6, *to;
    int fd, has_v6;

    set_up(SERVER(""));
    has_v6 = upstream_open_v6(&v6, u.port);
    ask("whole", "host=LocalHost");
    to = has_v6 ? upstream_either(&u, &v6) : &u;
    fd = upstream_take(to);
    ck_assert_ptr_nonnull(strstr(to->heard, "\r\nHost: LocalHost:"));
    upstream_say(fd, HELLO);
    answer(OK_HELLO);
    close(fd);
    if (has_v6) {
        ask("whole", "host=[::1]");
        fd = upstream_take(&v6);
        upstream_say(fd, HELLO);
        close(fd);
        answer(OK_HELLO);
        upstream_close(&v6); /* of two addresses one is left */
        ask("whole", "host=localhost");
        fd = upstream_take(&u);
        upstream_say(fd, HELLO);
        close(fd);
        answer(OK_HELLO);
    }
    ask("whole", "host=" NO_NAME); /* ET_ECONN */
    answer("-11 0 0 0 - ");
    ask("token", "host=" NO_NAME);
    answer("-11 0 0 0 - ");
    tear_down();
}
END_TEST

/* ---- what comes ----------------------------------------------------------*/

struct row {
    const char *reply, *text;
};

static const struct row replies[] = {
    {HELLO, OK_HELLO},
    {"HTTP/1.1 200 OK\r\n\r\nto the end", "0 200 10 -1 - to the end"},
    {"HTTP/1.0 200 OK\r\n\r\n", "0 200 0 -1 - "},
    {"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "0 204 0 5 - "},
    {"HTTP/1.1 304 No\r\n\r\n", "0 304 0 -1 - "},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" HELLO,
     OK_HELLO},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n"
     "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n",
     "0 200 5 -1 - hello"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "0 200 0 -1 - "},
    /* ET_ECONN: it ends too early */
    {"", "-11 0 0 0 - "},
    {"HTTP/1.1 200 O", "-11 0 0 0 - "},
    {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "-11 0 0 0 - "},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
     "-11 0 0 0 - "},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
     "-11 0 0 0 - "},
    {"HTTP/1.1 100 Continue\r\n\r\n", "-11 0 0 0 - "},
    /* ET_EPROTO */
    {"SSH-2.0-OpenSSH\r\n", "-12 0 0 0 - "},
    {"HTTP/2.0 200 OK\r\n\r\n", "-12 0 0 0 - "},
    {"HTTP/1.1 200 OK\nA: b\n\n", "-12 0 0 0 - "},
    {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
     "-12 0 0 0 - "},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
     "-12 0 0 0 - "},
    {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", "-12 0 0 0 - "},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
     "\r\n0\r\n\r\n",
     "-12 0 0 0 - "},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", "-12 0 0 0 - "},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
     "-12 0 0 0 - "},
    {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "-12 0 0 0 - "},
    /* ET_ELIMIT: of max=1000 */
    {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "-5 0 0 0 - "},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n",
     "-5 0 0 0 - "},
};

START_TEST(whatever_it_says_whole)
{
    set_up(SERVER(""));
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        dialogue("whole", "max=1000", replies[i].reply, replies[i].text);
        dialogue("token", "max=1000", replies[i].reply, replies[i].text);
    }
    tear_down();
}
END_TEST

START_TEST(whatever_it_says_byte_by_byte)
{
    set_up(SERVER(""));
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        int fd;
        ask(i % 2 ? "token" : "whole", "max=1000");
        fd = upstream_take(&u);
        for (const char *p = replies[i].reply; *p; p++)
            if (send(fd, p, 1, MSG_NOSIGNAL) < 0)
                break; /* it has seen enough */
            else
                usleep(100);
        close(fd);
        answer(replies[i].text);
    }
    tear_down();
}
END_TEST

START_TEST(a_head_has_bounds)
{
    static char text[65536];
    size_t n = 0;
    int fd;

    set_up(SERVER(""));
    ask("whole", "");
    fd = upstream_take(&u);
    n = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 99; i++)
        n += (size_t)sprintf(text + n, "A%d: %0250d\r\n", i, i);
    sprintf(text + n, "\r\nx");
    upstream_say(fd, text);
    close(fd);
    answer("0 200 1 -1 - x");
    sprintf(text + n, "B: 1\r\nC: 2\r\n\r\nx"); /* one too many */
    dialogue("whole", "", text, "-12 0 0 0 - ");
    n = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\nA: ");
    memset(text + n, 'a', 40000);
    text[n + 40000] = '\0';
    ask("whole", "");
    fd = upstream_take(&u);
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
    answer("-12 0 0 0 - ");
    close(fd);
    ask("whole", "");
    fd = upstream_take(&u);
    for (int i = 0; i < 20; i++)
        (void)!send(fd, "HTTP/1.1 102 Wait\r\n\r\n", 21, MSG_NOSIGNAL);
    answer("-12 0 0 0 - ");
    close(fd);
    tear_down();
}
END_TEST

START_TEST(a_reset_is_no_end)
{
    int fd;

    set_up(SERVER(""));
    ask("pieces", "");
    fd = upstream_take(&u);
    upstream_say(fd, "HTTP/1.1 200 OK\r\n\r\nsome");
    tally_wait(&s, COUNT, "read", 4);
    upstream_reset(fd);
    answer("-11 200 4 -1 - some");
    ask("whole", "");
    upstream_reset(upstream_take(&u));
    answer("-11 0 0 0 - ");
    tear_down();
}
END_TEST

START_TEST(a_head_s_body_is_none)
{
    set_up(SERVER(""));
    dialogue("whole", "method=HEAD",
             "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
             "0 200 0 1000 - ");
    tear_down();
}
END_TEST

/* ---- connections ---------------------------------------------------------*/

START_TEST(a_connection_serves_again)
{
    int fd;

    set_up(SERVER(""));
    ask("whole", "");
    fd = upstream_take(&u);
    upstream_say(fd, HELLO);
    answer(OK_HELLO);
    for (int i = 0; i < 3; i++) {
        ask(i % 2 ? "token" : "whole", "");
        upstream_hear(&u, fd);
        upstream_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "5\r\nhello\r\n0\r\n\r\n");
        answer("0 200 5 -1 - hello");
    }
    ck_assert_int_eq(tally_figure(&s, "fetches_reused_total"), 3);
    ask("whole", "host=127.1"); /* another name: not this one */
    close(upstream_accept(&u));
    answer("-11 0 0 0 - ");
    ask("whole", "");
    upstream_hear(&u, fd);
    upstream_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                     "Connection: close\r\n\r\nhello");
    answer(OK_HELLO);
    upstream_wait_closed(fd);
    close(fd);
    dialogue("whole", "", HELLO, OK_HELLO);
    tear_down();
}
END_TEST

START_TEST(what_makes_it_no_good_for_another)
{
    static const struct {
        const char *how, *query, *reply, *text;
    } rows[] = {
        {"whole", "", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
         OK_HELLO},
        {"whole", "", HELLO "more", OK_HELLO},
        {"some", "n=2", HELLO, "2 200 2 5 - he"},
    };
    int fd;

    set_up(SERVER(""));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask(rows[i].how, rows[i].query);
        fd = upstream_take(&u);
        upstream_say(fd, rows[i].reply);
        answer(rows[i].text);
        upstream_wait_closed(fd);
        close(fd);
    }
    tear_down();
}
END_TEST

START_TEST(an_idle_one_is_watched)
{
    int fd;

    set_up(SERVER("fetch_idle_timeout = 200ms"));
    ask("whole", "");
    fd = upstream_take(&u);
    upstream_say(fd, HELLO);
    answer(OK_HELLO);
    upstream_wait_closed(fd); /* after its time */
    close(fd);
    ask("whole", "");
    fd = upstream_take(&u);
    upstream_say(fd, HELLO);
    answer(OK_HELLO);
    upstream_say(fd, "HTTP/1.1 408 Late\r\n\r\n"); /* nobody has asked */
    upstream_wait_closed(fd);
    close(fd);
    dialogue("whole", "", HELLO, OK_HELLO);
    tear_down();
}
END_TEST

START_TEST(so_many_are_kept)
{
    int fd[3];

    set_up(SERVER("fetch_idle = 1"));
    ask("both", "");
    for (int i = 0; i < 2; i++)
        fd[i] = upstream_take(&u);
    upstream_say(fd[0], HELLO);
    wait_figure("fetches_active", 1);
    upstream_say(fd[1], HELLO);
    answer("0 0 200 0 200");
    upstream_wait_closed(fd[0]); /* the older one */
    ask("whole", "");
    upstream_hear(&u, fd[1]);
    upstream_say(fd[1], HELLO);
    answer(OK_HELLO);
    close(fd[0]);
    close(fd[1]);
    tear_down();
}
END_TEST

/* An idle connection that closes as the request comes. */
START_TEST(what_may_be_repeated_is_asked_once_more)
{
    int fd;

    set_up(SERVER(""));
    for (int i = 0; i < 2; i++) {
        ask("whole", "");
        fd = upstream_take(&u);
        upstream_say(fd, HELLO);
        answer(OK_HELLO);
        ask(i ? "token" : "whole", "");
        upstream_hear(&u, fd); /* and closes, without a word */
        if (i)
            upstream_reset(fd);
        else
            close(fd);
        fd = upstream_take(&u);
        upstream_say(fd, HELLO);
        answer(OK_HELLO);
        close(fd);
    }
    ask("whole", "");
    fd = upstream_take(&u);
    upstream_say(fd, HELLO);
    answer(OK_HELLO);
    ask("whole", "method=POST"); /* may have been done */
    upstream_hear(&u, fd);
    close(fd);
    answer("-11 0 0 0 - ");
    ask("whole", "");
    fd = upstream_take(&u);
    upstream_say(fd, HELLO);
    answer(OK_HELLO);
    ask("whole", ""); /* something of the reply has come */
    upstream_hear(&u, fd);
    upstream_say(fd, "HTTP/1.1 2");
    close(fd);
    answer("-11 0 0 0 - ");
    ask("whole", ""); /* and only once */
    fd = upstream_take(&u);
    upstream_say(fd, HELLO);
    answer(OK_HELLO);
    ask("whole", "");
    upstream_hear(&u, fd);
    close(fd);
    close(upstream_take(&u));
    answer("-11 0 0 0 - ");
    tear_down();
}
END_TEST

START_TEST(so_many_at_once)
{
    int fd[2];

    set_up(SERVER("max_fetches = 1"));
    ask("both", "");
    fd[0] = upstream_take(&u);
    upstream_say(fd[0], HELLO);
    answer("0 0 200 -5 0");
    ck_assert_int_eq(tally_figure(&s, "fetches_refused_total"), 1);
    close(fd[0]);
    dialogue("whole", "", HELLO, OK_HELLO);
    tear_down();
}
END_TEST

/* ---- time ----------------------------------------------------------------*/

START_TEST(each_thing_has_its_time)
{
    static const char *const begins[] = {
        "", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"};
    int fd;

    set_up(SERVER(""));
    for (size_t i = 0; i < 2 * sizeof begins / sizeof begins[0]; i++) {
        ask(i % 2 ? "token" : "whole", "timeout=100");
        fd = upstream_take(&u);
        upstream_say(fd, begins[i / 2]);
        answer("-8 0 0 0 - ");
        upstream_wait_closed(fd);
        close(fd);
    }
    ask("timed", "n=100"); /* et_timeout of the task */
    fd = upstream_take(&u);
    answer("-8 0 0 0 - ");
    upstream_wait_closed(fd);
    close(fd);
    tear_down();
}
END_TEST

/* A queue that is full has a connection wait in vain. */
START_TEST(a_connection_may_not_come)
{
    struct upstream full;
    struct client some[8];
    int n = 0;

    set_up(SERVER(""));
    upstream_open(&full);
    ck_assert_int_eq(listen(full.fd, 0), 0);
    client_printf(&c,
                  "GET /fetch/whole?port=%u&connect=5000&timeout=100 "
                  "HTTP/1.1\r\nHost: x\r\n\r\n",
                  full.port);
    answer("-8 0 0 0 - "); /* taken by the kernel, and never answered */
    for (; n < 2; n++)
        some[n] = client_open(&s);
    for (int i = 0; i < 2; i++) {
        client_printf(&some[i],
                      "GET /fetch/token?port=%u&connect=200&timeout=200 "
                      "HTTP/1.1\r\nHost: x\r\n\r\n",
                      full.port);
        client_take(&some[i], 0, 200, "-8 0 0 0 - ");
        client_close(&some[i]);
    }
    upstream_close(&full);
    client_printf(&c, /* nobody listens any more */
                  "GET /fetch/whole?port=%u HTTP/1.1\r\nHost: x\r\n\r\n",
                  full.port);
    answer("-11 0 0 0 - ");
    tear_down();
}
END_TEST

/* ---- given up ------------------------------------------------------------*/

START_TEST(a_client_that_goes_has_it_given_up)
{
    static const char *const hows[] = {"whole", "token", "pieces", "both"};
    static const char *const begins[] = {
        "", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh"};
    int fd, n = 0;

    set_up(SERVER(""));
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 3; j++) {
            struct client gone = client_open(&s);
            client_printf(&gone,
                          "GET /fetch/%s?port=%u HTTP/1.1\r\nHost: x\r\n\r\n",
                          hows[i], u.port);
            fd = upstream_take(&u);
            upstream_say(fd, begins[j]);
            tally_wait(&s, COUNT, "waiting", 1);
            client_close(&gone);
            upstream_wait_closed(fd);
            close(fd);
            if (i == 3) {
                fd = upstream_accept(&u);
                upstream_wait_closed(fd);
                close(fd);
            }
            tally_wait(&s, COUNT, "waiting", 0);
            tally_wait(&s, COUNT, "cancelled", ++n);
        }
    }
    for (int i = 0; i < 4; i++) { /* while it looks up or connects */
        struct client gone = client_open(&s);
        client_printf(&gone,
                      "GET /fetch/%s?port=%u&host=localhost "
                      "HTTP/1.1\r\nHost: x\r\n\r\n",
                      hows[i], u.port);
        usleep((useconds_t)i * 500);
        client_close(&gone);
    }
    tally_wait(&s, COUNT, "waiting", 0);
    ck_assert_int_eq(tally_figure(&s, "fetches_active"), 0);
    tear_down();
}
END_TEST

START_TEST(a_reload_leaves_it_be)
{
    int fd, idle;

    set_up(SERVER(""));
    ask("whole", "");
    idle = upstream_take(&u);
    upstream_say(idle, HELLO);
    answer(OK_HELLO);
    for (int i = 0; i < 2; i++) {
        struct client other = client_open(&s);
        ask(i ? "token" : "whole", "method=PUT");
        upstream_hear(&u, idle);
        server_write(&s, i ? SERVER("") : SERVER("wait_timeout = 50s"));
        ck_assert_int_eq(server_reload(&s), 1);
        client_printf(&other,
                      "GET /fetch/whole?port=%u HTTP/1.1\r\nHost: x\r\n\r\n",
                      u.port);
        fd = upstream_take(&u);
        upstream_say(fd, HELLO);
        client_take(&other, 0, 200, OK_HELLO);
        close(fd);
        client_close(&other);
        upstream_say(idle, HELLO);
        answer(OK_HELLO);
    }
    close(idle);
    tear_down();
}
END_TEST

START_TEST(a_stop_gives_it_up_at_last)
{
    int fd;

    set_up(SERVER("drain_timeout = 200ms"));
    ask("whole", "");
    fd = upstream_take(&u);
    server_signal(&s, SIGTERM);
    answer("-10 0 0 0 - "); /* ET_ERETIRE */
    upstream_wait_closed(fd);
    ck_assert_int_eq(server_wait(&s), 0);
    close(fd);
    client_close(&c);
    upstream_close(&u);
}
END_TEST

/* ---- bodies --------------------------------------------------------------*/

START_TEST(a_body_goes_along)
{
    int fd;

    set_up(SERVER(""));
    client_printf(&c,
                  "POST /fetch/post?port=%u HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 3\r\n\r\nabc",
                  u.port);
    fd = upstream_take(&u);
    ck_assert_ptr_nonnull(strstr(u.heard, "\r\nContent-Length: 3\r\n"));
    upstream_hear_body(&u, fd, 3);
    ck_assert_str_eq(u.more, "abc");
    upstream_say(fd, HELLO);
    answer(OK_HELLO);
    close(fd);
    dialogue("whole", "method=POST", HELLO, OK_HELLO);
    ck_assert_ptr_nonnull(strstr(u.heard, "\r\nContent-Length: 0\r\n"));
    tear_down();
}
END_TEST

START_TEST(a_body_is_passed_on_as_it_comes)
{
    int fd;

    set_up(SERVER(""));
    client_printf(&c,
                  "POST /fetch/stream?port=%u HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 6\r\n\r\nabc",
                  u.port);
    fd = upstream_take(&u);
    ck_assert_ptr_nonnull(strstr(u.heard, "\r\nTransfer-Encoding: chunked"));
    upstream_hear_body(&u, fd, 8);
    ck_assert_str_eq(u.more, "3\r\nabc\r\n");
    client_puts(&c, "def");
    upstream_hear_body(&u, fd, 21);
    ck_assert_str_eq(u.more, "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
    upstream_say(fd, HELLO);
    answer(OK_HELLO);
    client_printf(&c,
                  "POST /fetch/stream?length=y&port=%u HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 6\r\n\r\nabc",
                  u.port);
    {
        int other = upstream_take(&u); /* a new one, it cannot be repeated */
        ck_assert_ptr_nonnull(strstr(u.heard, "\r\nContent-Length: 6\r\n"));
        upstream_hear_body(&u, other, 3);
        client_puts(&c, "def");
        upstream_hear_body(&u, other, 6);
        ck_assert_str_eq(u.more, "abcdef");
        upstream_say(other, HELLO);
        answer(OK_HELLO);
        close(other);
    }
    close(fd);
    tear_down();
}
END_TEST

/* A reply before all of the body has gone: it is read, the rest is not sent. */
START_TEST(it_may_be_answered_early)
{
    static const char early[] =
        "HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno";
    static char block[65536];
    int fd;

    set_up(SERVER("max_body = 20m"));
    client_printf(&c,
                  "POST /fetch/stream?length=y&port=%u HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 10000000\r\n\r\n",
                  u.port);
    fd = upstream_take(&u);
    upstream_say(fd, early);
    (void)client_pour(&c, block, sizeof block, 100);
    for (int i = 1; i < 152; i++) /* until it has said so */
        if (client_pour(&c, block, sizeof block, 100) < sizeof block)
            break;
    {
        struct answer a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_str_eq(a.body, "0 413 2 2 - no");
        answer_free(&a);
    }
    upstream_wait_closed(fd);
    close(fd);
    client_close(&c);
    c = client_open(&s);
    tear_down();
}
END_TEST

/* What is not read is not received: the other end finds its socket full. */
START_TEST(a_reader_that_waits_holds_the_sender)
{
    static char block[65536];
    size_t n = 0;
    int fd;

    set_up(SERVER("max_fetches = 8"));
    ask("pieces", "n=7&timeout=60000");
    fd = upstream_take(&u);
    upstream_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n");
    while (n < 4000000) {
        size_t k = 4000000 - n < sizeof block ? 4000000 - n : sizeof block;
        upstream_send(fd, block, k);
        n += k;
    }
    {
        struct answer a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_int_eq(memcmp(a.body, "0 200 4000000 4000000 ", 22), 0);
        answer_free(&a);
    }
    close(fd);
    tear_down();
}
END_TEST

UNIT_MAIN(fetch, it_asks_and_is_answered,
          what_would_split_the_request_is_refused, names_are_looked_up,
          whatever_it_says_whole, whatever_it_says_byte_by_byte,
          a_head_has_bounds, a_reset_is_no_end, a_head_s_body_is_none,
          a_connection_serves_again, what_makes_it_no_good_for_another,
          an_idle_one_is_watched, so_many_are_kept,
          what_may_be_repeated_is_asked_once_more, so_many_at_once,
          each_thing_has_its_time, a_connection_may_not_come,
          a_client_that_goes_has_it_given_up, a_reload_leaves_it_be,
          a_stop_gives_it_up_at_last, a_body_goes_along,
          a_body_is_passed_on_as_it_comes, it_may_be_answered_early,
          a_reader_that_waits_holds_the_sender)
