/* SPDX-License-Identifier: BSD-2-Clause */
/* bodies.c - request bodies: small and large, in memory and spilled, too
 * large, expected, unwanted, refused before they come.
 * tags: epoll asan tls h2 */
#define _GNU_SOURCE /* prlimit */
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define MIB ((size_t)1 << 20)

static const char ini[] = "[server]\n"
                          "listen = 127.0.0.1:0\n"
                          "workers = 1\n"
                          "max_body = 1m\n"
                          "temp_dir = $DIR/temp\n"
                          "[plugin answers]\n"
                          "[plugin deny]\n"
                          "[plugin echo]\n"
                          "[route echo]\n"
                          "match = * /echo\n"
                          "handler = echo\n"
                          "[route large]\n"
                          "match = * /large\n"
                          "handler = echo\n"
                          "max_body = 100m\n"
                          "[route small]\n"
                          "match = * /small\n"
                          "handler = echo\n"
                          "max_body = 10\n"
                          "[route guarded]\n"
                          "match = * /guarded\n"
                          "use = deny\n"
                          "handler = echo\n"
                          "max_body = 200m\n";

static void
start(struct server *s)
{
    char path[128];

    server_prepare(s, ini);
    snprintf(path, sizeof path, "%s/temp", s->dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(server_launch(s), -1);
}

static char *
letters(size_t n)
{
    char *p = malloc(n + 1);

    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + i % 23);
    p[n] = '\0';
    return p;
}

static void
take_echo(struct client *c, const char *body, size_t n)
{
    struct answer a = client_answer(c, 0);

    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, n);
    ck_assert(memcmp(a.body, body, n) == 0);
    answer_free(&a);
}

static void
post(struct client *c, const char *path, size_t n)
{
    client_printf(c,
                  "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                  path, n);
}

START_TEST(bodies_up_to_the_limit_are_echoed)
{
    static const size_t sizes[] = {0,     1,     4095,  4096,  4097,  8192,
                                   20480, 65535, 65536, 65537, 99999, 1 << 20};
    struct server s;
    struct client c;
    char *body = letters(MIB);

    start(&s);
    c = client_open(&s);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        post(&c, "/echo", sizes[i]);
        client_send(&c, body, sizes[i]);
        take_echo(&c, body, sizes[i]);
    }
    client_close(&c);
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The same sizes chunked, in chunks of odd lengths. */
START_TEST(chunked_bodies_up_to_the_limit_are_echoed)
{
    static const size_t sizes[] = {1,     4096,  4097,  8192,   8193,
                                   65536, 65537, 99999, 1 << 20};
    struct server s;
    struct client c;
    char *body = letters(MIB);

    start(&s);
    c = client_open(&s);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0, k; at < sizes[i]; at += k) {
            k = 1 + at % 7919;
            if (k > sizes[i] - at)
                k = sizes[i] - at;
            client_printf(&c, "%zx\r\n%.*s\r\n", k, (int)k, body + at);
        }
        client_puts(&c, "0\r\n\r\n");
        take_echo(&c, body, sizes[i]);
    }
    client_close(&c);
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* How many files below dir the server holds open. */
static int
open_below(const struct server *s, const char *name)
{
    char path[64], dir[128], link[512], to[512];
    struct dirent *e;
    DIR *d;
    int n = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)server_pid(s));
    snprintf(dir, sizeof dir, "%s/%s/", s->dir, name);
    d = opendir(path);
    ck_assert_ptr_nonnull(d);
    while ((e = readdir(d)) != NULL) {
        ssize_t k;
        snprintf(link, sizeof link, "%s/%s", path, e->d_name);
        k = readlink(link, to, sizeof to - 1);
        if (k > 0)
            to[k] = '\0';
        n += k > 0 && strncmp(to, dir, strlen(dir)) == 0;
    }
    closedir(d);
    return n;
}

static int
is_empty(const struct server *s, const char *name)
{
    char dir[128];

    snprintf(dir, sizeof dir, "%s/%s", s->dir, name);
    return rmdir(dir) == 0 && mkdir(dir, 0700) == 0;
}

START_TEST(a_hundred_megabytes_go_through_a_file)
{
    struct server s;
    struct client c;
    size_t n = 100 * MIB, half = n / 2;
    char *body = letters(n);

    start(&s);
    c = client_open(&s);
    post(&c, "/large", n);
    client_send(&c, body, half);
    for (int i = 0; open_below(&s, "temp") == 0; i++) {
        ck_assert_int_lt(i, 500);
        usleep(10000);
    }
    ck_assert(is_empty(&s, "temp")); /* it has no name */
    client_send(&c, body + half, n - half);
    take_echo(&c, body, n);
    client_expect(&c, GET("/count/ref"), 200, "0");
    ck_assert_int_eq(open_below(&s, "temp"), 0);
    client_close(&c);
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* An upload that breaks off leaves nothing. */
START_TEST(an_upload_that_breaks_off_leaves_no_file)
{
    struct server s;
    struct client c;
    char *body = letters(2 * MIB);

    start(&s);
    for (int i = 0; i < 5; i++) {
        c = client_open(&s);
        post(&c, "/large", 4 * MIB);
        client_send(&c, body, 2 * MIB);
        client_close(&c);
    }
    for (int i = 0; open_below(&s, "temp") > 0; i++) {
        ck_assert_int_lt(i, 500);
        usleep(10000);
    }
    client_once(&s, GET("/count/ref"), 200, "0");
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_body_above_the_limit_is_413)
{
    struct server s;
    struct client c;

    if (transport_here()->is_h2) /* the connection goes on */
        return;
    start(&s);
    c = client_open(&s);
    post(&c, "/echo", MIB + 1);
    client_take(&c, 0, 413, NULL);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    c = client_open(&s);
    post(&c, "/small", 10);
    client_puts(&c, "0123456789");
    client_take(&c, 0, 200, "0123456789");
    post(&c, "/small", 11);
    client_take(&c, 0, 413, NULL);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    c = client_open(&s);
    client_puts(&c, "POST /small HTTP/1.1\r\nHost: x\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n"
                    "8\r\n01234567\r\n");
    ck_assert(client_is_quiet(&c, 20));
    client_puts(&c, "3\r\n012\r\n0\r\n\r\n" GET("/count/ref"));
    client_take(&c, 0, 413, NULL);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_client_that_expects_is_told_to_continue)
{
    struct server s;
    struct client c;

    start(&s);
    c = client_open(&s);
    for (int i = 0; i < 2; i++) {
        client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                        "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        client_take(&c, 0, 100, NULL);
        ck_assert(client_is_quiet(&c, 10));
        client_puts(&c, "hello");
        client_take(&c, 0, 200, "hello");
    }
    /* bytes are here already: no 100 (RFC 9110 10.1.1) */
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                    "Expect: 100-continue\r\n\r\nhello");
    client_take(&c, 0, 200, "hello");
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                    "Transfer-Encoding: chunked\r\n"
                    "Expect: 100-continue\r\n\r\n");
    client_take(&c, 0, 100, NULL);
    client_puts(&c, "5\r\nhello\r\n0\r\n\r\n");
    client_take(&c, 0, 200, "hello");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Final answers in place of 100: the connection cannot go on, because nobody
 * knows whether the body follows. */
START_TEST(an_expected_body_nobody_wants_is_not_asked_for)
{
    struct server s;
    struct client c;
    static const struct {
        const char *path;
        int status;
    } v[] = {{"/method", 200}, {"/nowhere", 404}, {"/guarded", 401}};

    start(&s);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        c = client_open(&s);
        client_printf(&c,
                      "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                      "Expect: 100-continue\r\n\r\n",
                      v[i].path);
        client_take(&c, 0, v[i].status, NULL);
        ck_assert(client_is_closed(&c));
        client_close(&c);
    }
    c = client_open(&s);
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 5000000\r\n"
                    "Expect: 100-continue\r\n\r\n");
    client_take(&c, 0, 413, NULL);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Bytes in the receive queue of the server's end of c. */
static size_t
unread(const struct client *c)
{
    struct sockaddr_in us, them;
    socklen_t len = sizeof us;
    char line[512];
    unsigned port, rport, rx;
    FILE *f = fopen("/proc/net/tcp", "re");

    getsockname(c->fd, (struct sockaddr *)&us, &len);
    len = sizeof them;
    getpeername(c->fd, (struct sockaddr *)&them, &len);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%*d: %*x:%x %*x:%x %*x %*x:%x", &port, &rport, &rx) ==
                3 &&
            port == ntohs(them.sin_port) && rport == ntohs(us.sin_port)) {
            fclose(f);
            return rx;
        }
    }
    fclose(f);
    return 0;
}

/* How much of a body of n bytes the server takes off the socket, sent when its
 * answer is there already or at once with the head. */
static size_t
taken(int waits, size_t n)
{
    struct server s;
    struct client c;
    struct pollfd p;
    char *body = letters(n);
    size_t sent, read_by_server;
    int queued = 0;

    start(&s);
    c = client_open(&s);
    post(&c, "/guarded", n);
    p = (struct pollfd){.fd = c.fd, .events = POLLIN};
    if (waits)
        ck_assert_int_eq(poll(&p, 1, 10000), 1);
    sent = client_pour(&c, body, n, 300);
    ck_assert_uint_lt(sent, n);
    ck_assert_int_eq(ioctl(c.fd, SIOCOUTQ, &queued), 0);
    read_by_server = sent - (size_t)queued - unread(&c);
    client_take(&c, 0, 401, NULL);
    client_close(&c);
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
    return read_by_server;
}

START_TEST(a_401_in_front_costs_no_upload)
{
    if (!transport_here()
             ->is_plain) /* what is on its way is not ours to know */
        return;
    ck_assert_uint_lt(taken(1, 100 * MIB), 256 * 1024);
}
END_TEST

/* Here the kernel may have filled the worker's receive buffers (64 of 16 KiB)
 * before the head was seen. */
START_TEST(nor_when_the_client_does_not_wait_for_it)
{
    if (!transport_here()
             ->is_plain) /* what is on its way is not ours to know */
        return;
    ck_assert_uint_lt(taken(0, 100 * MIB), 256 * 1024 + MIB);
}
END_TEST

START_TEST(a_small_body_behind_a_401_keeps_the_connection)
{
    struct server s;
    struct client c;
    char *body = letters(60000);

    start(&s);
    c = client_open(&s);
    for (int i = 0; i < 3; i++) {
        struct answer a;
        post(&c, "/guarded", 60000);
        a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 401);
        ck_assert_ptr_null(answer_field(&a, "Connection", 0));
        ck_assert_str_eq(answer_field(&a, "X-Denier", 0), "saw it");
        answer_free(&a);
        client_send(&c, body, 60000);
        client_expect(&c, GET("/count/ref"), 200, "0");
    }
    client_puts(&c, "POST /guarded HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\n"
                    "Content-Length: 5\r\n\r\nhello");
    client_take(&c, 0, 200, "hello");
    client_close(&c);
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* More chunks than are worth reading: the connection ends. */
START_TEST(an_unwanted_body_without_end_is_not_read_for_ever)
{
    struct server s;
    struct client c;
    char *body = letters(16 * MIB);
    size_t sent;

    start(&s);
    c = client_open(&s);
    client_puts(&c, "POST /method HTTP/1.1\r\nHost: x\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n1000000\r\n");
    sent = client_pour(&c, body, 16 * MIB, 300);
    ck_assert_uint_lt(sent, 16 * MIB);
    client_take(&c, 0, 200, NULL);
    client_close(&c);
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_temp_dir_that_is_gone_is_507)
{
    struct server s;
    struct client c;
    char *body = letters(MIB), dir[128];

    start(&s);
    snprintf(dir, sizeof dir, "%s/temp", s.dir);
    ck_assert_int_eq(rmdir(dir), 0);
    c = client_open(&s);
    post(&c, "/echo", MIB);
    client_pour(&c, body, MIB, 300);
    client_take(&c, 0, 507, NULL);
    client_close(&c);
    c = client_open(&s);
    post(&c, "/echo", 1000);
    client_send(&c, body, 1000);
    take_echo(&c, body, 1000);
    client_close(&c);
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(temp_max_bounds_what_is_spilled)
{
    struct server s;
    struct client c;
    char *body = letters(2 * MIB);

    server_start(&s,
                 "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmax_body = 8m\n"
                 "temp_dir = $DIR\ntemp_max = 1m\nbody_memory = 16k\n"
                 "[plugin echo]\n[route echo]\nmatch = * /echo\n"
                 "handler = echo\n");
    for (int i = 0; i < 3; i++) {
        c = client_open(&s);
        post(&c, "/echo", 2 * MIB);
        client_pour(&c, body, 2 * MIB, 100);
        client_take(&c, 0, 507, NULL);
        client_close(&c);
        c = client_open(&s); /* what was taken is given back */
        post(&c, "/echo", MIB / 2);
        client_send(&c, body, MIB / 2);
        take_echo(&c, body, MIB / 2);
        client_close(&c);
    }
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* No memory for bodies at all: the files take them. */
START_TEST(bodies_go_to_files_when_memory_is_spent)
{
    enum { N = 8 };
    struct server s;
    struct client c[N];
    char *body = letters(60000);

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n"
                     "temp_dir = $DIR\nbody_memory_total = 128k\n"
                     "[plugin echo]\n[route echo]\nmatch = * /echo\n"
                     "handler = echo\n");
    for (int i = 0; i < N; i++) {
        c[i] = client_open(&s);
        post(&c[i], "/echo", 60000);
        client_send(&c[i], body, 50000);
    }
    for (int i = 0; i < N; i++) {
        client_send(&c[i], body + 50000, 10000);
        take_echo(&c[i], body, 60000);
        client_close(&c[i]);
    }
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A spilled body, of a process that may map nothing more. */
static void
post_spilled(struct server *s, int status)
{
    char *body = letters(MIB);
    struct client c = client_open(s);

    post(&c, "/echo", MIB);
    client_send(&c, body, MIB);
    client_take(&c, 0, status, NULL);
    client_close(&c);
    free(body);
}

START_TEST(without_memory_they_are_503_and_the_log_says_so_once)
{
    const struct rlimit none = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
    struct rlimit before;
    struct server s;
    pid_t pid;

    if (server_is_sanitized())
        return;
    start(&s);
    pid = server_pid(&s);
    post_spilled(&s, 200);
    ck_assert_int_eq(prlimit(pid, RLIMIT_AS, &none, &before), 0);
    for (int i = 0; i < 10; i++)
        post_spilled(&s, 503);
    ck_assert_int_eq(prlimit(pid, RLIMIT_AS, &before, NULL), 0);
    post_spilled(&s, 200);
    server_wait_log(&s, "request bodies are buffered again");
    ck_assert_int_eq(server_count_log(&s, "cannot map a request body of "), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(bodies, bodies_up_to_the_limit_are_echoed,
          chunked_bodies_up_to_the_limit_are_echoed,
          a_hundred_megabytes_go_through_a_file,
          an_upload_that_breaks_off_leaves_no_file,
          a_body_above_the_limit_is_413,
          a_client_that_expects_is_told_to_continue,
          an_expected_body_nobody_wants_is_not_asked_for,
          a_401_in_front_costs_no_upload,
          nor_when_the_client_does_not_wait_for_it,
          a_small_body_behind_a_401_keeps_the_connection,
          an_unwanted_body_without_end_is_not_read_for_ever,
          a_temp_dir_that_is_gone_is_507, temp_max_bounds_what_is_spilled,
          bodies_go_to_files_when_memory_is_spent,
          without_memory_they_are_503_and_the_log_says_so_once)
