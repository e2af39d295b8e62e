/* SPDX-License-Identifier: BSD-2-Clause */
/* reject.c - what a client is told that is not let in, and until when it can
 * read it.
 * tags: asan */
#include "conn/reject.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/lib/unit.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define ALERT "\x15\x03\x03\x00\x02\x02\x50"
#define GOAWAY                                                                 \
    "\0\0\0\x04\0\0\0\0\0"                                                     \
    "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* A connection over TCP. */
struct pair {
    int client, server;
};

static struct wheel wheel;
static struct rejects rejects;

static struct pair
connect_pair(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof to;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    struct pair p = {.client = socket(AF_INET, SOCK_STREAM, 0)};

    ck_assert_int_eq(bind(listening, (struct sockaddr *)&to, len), 0);
    ck_assert_int_eq(listen(listening, 1), 0);
    ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&to, &len), 0);
    ck_assert_int_eq(connect(p.client, (struct sockaddr *)&to, len), 0);
    p.server = accept(listening, NULL, NULL);
    ck_assert_int_ge(p.server, 0);
    close(listening);
    return p;
}

/* The client has said it, and it has come. */
static void
say(const struct pair *p, const char *text)
{
    size_t n = strlen(text);
    char seen[256];

    ck_assert_int_eq(send(p->client, text, n, 0), (ssize_t)n);
    if (n > 0)
        ck_assert_int_eq(recv(p->server, seen, n, MSG_PEEK | MSG_WAITALL),
                         (ssize_t)n);
}

/* It reads that, and the end. */
static void
reads(int fd, const char *text, size_t n)
{
    char got[512];

    ck_assert_int_eq(recv(fd, got, sizeof got, MSG_WAITALL), (ssize_t)n);
    ck_assert_mem_eq(got, text, n);
    ck_assert_int_eq(recv(fd, got, 1, 0), 0);
}

static void
reads_503(int fd)
{
    char got[512] = "";
    ssize_t n = recv(fd, got, sizeof got - 1, MSG_WAITALL);

    ck_assert_int_gt(n, 0);
    unit_has(got, "HTTP/1.1 503 ");
    unit_has(got, "\r\nRetry-After: 1\r\n");
    unit_has(got, "\r\nConnection: close\r\n");
    ck_assert_str_eq(got + n - 4, "\r\n\r\n");
}

static int
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(it_is_told_in_what_its_listener_speaks)
{
    static const char *const said[] = {"", "G", "GET / HTTP/1.1\r\n\r\n",
                                       "PRI * HTTP/1.1\r\n\r\n", PREFACE};
    enum { N = sizeof said / sizeof said[0] };

    for (int i = 0; i < 3 * N; i++) {
        enum reject_as as = i / N;
        struct pair p = connect_pair();
        say(&p, said[i % N]);
        reject_now(p.server, as);
        ck_assert(!is_open(p.server));
        if (as == REJECT_TLS)
            reads(p.client, ALERT, sizeof ALERT - 1);
        else if (as == REJECT_H2C && i % N == N - 1)
            reads(p.client, GOAWAY, sizeof GOAWAY - 1);
        else
            reads_503(p.client);
        close(p.client);
    }
}
END_TEST

/* One that has gone, or never reads, holds up nobody. */
START_TEST(it_may_have_gone)
{
    struct linger now = {.l_onoff = 1};

    for (enum reject_as as = REJECT_HTTP1; as <= REJECT_TLS; as++) {
        struct pair p = connect_pair();
        say(&p, PREFACE);
        setsockopt(p.client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(p.client);
        reject(&rejects, p.server, as, 0);
    }
    reject_fini(&rejects);
}
END_TEST

/* Who speaks only when it has been told is not reset before it can read it. */
START_TEST(it_has_a_moment_to_read_it)
{
    struct pair p = connect_pair();

    reject(&rejects, p.server, REJECT_TLS, 0);
    wheel_advance(&wheel, REJECT_MS - WHEEL_RESOLUTION_MS);
    ck_assert(is_open(p.server));
    say(&p, "\x16\x03\x01");
    say(&p, "and more");
    reads(p.client, ALERT, sizeof ALERT - 1);
    wheel_advance(&wheel, REJECT_MS + WHEEL_RESOLUTION_MS);
    ck_assert(!is_open(p.server));
    close(p.client);
}
END_TEST

START_TEST(only_so_many_are_kept)
{
    enum { N = 3 * REJECT_KEPT };
    struct pair p[N];

    for (int i = 0; i < N; i++) {
        p[i] = connect_pair();
        reject(&rejects, p[i].server, REJECT_HTTP1, 0);
        ck_assert(is_open(p[i].server));
        if (i >= (int)REJECT_KEPT)
            ck_assert(!is_open(p[i - (int)REJECT_KEPT].server));
    }
    for (int i = 0; i < N; i++) {
        reads_503(p[i].client);
        close(p[i].client);
    }
    reject_fini(&rejects);
    for (int i = 0; i < N; i++)
        ck_assert(!is_open(p[i].server));
    ck_assert(!wheel_is_armed(&rejects.timer));
}
END_TEST

static void
setup(void)
{
    wheel_init(&wheel, 0);
    reject_init(&rejects, &wheel);
}

UNIT_MAIN_IN(setup, NULL, reject, it_is_told_in_what_its_listener_speaks,
             it_may_have_gone, it_has_a_moment_to_read_it,
             only_so_many_are_kept)
