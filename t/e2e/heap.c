/* SPDX-License-Identifier: BSD-2-Clause */
/* heap.c - no thread that serves calls the heap: 100,000 mixed requests.
 *
 * The server runs with heap.so preloaded, which counts.  Not for sanitizers:
 * they have a malloc of their own.
 *
 * What is mixed: pipelined GETs through five steps, HEAD, OPTIONS, 404, 405,
 * 413, 500, small and spilled bodies, files, answers larger than a buffer,
 * counters and values that come, are replaced and drive each other out, and for
 * each round a new connection that sends something malformed.  Then the same
 * over TLS, a handshake a round; HTTP/2 has e2e/h2_heap.c. */
/* tags: epoll plain */
#include "t/preload/heap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "t/lib/client.h"
#include "t/lib/preload.h"
#include "t/lib/secure.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 110
#include "t/lib/unit.h"

#define ROUNDS 1000
#define WARM_UP 20
#define PIPELINED 80
#define SPILLED 9000
/* Of a thousand handshakes one may have a number with zeros in front, and want
 * a block of a size that no other has wanted; or begin before the one in front
 * of it is gone, and want all that a connection has once more. */
#define FEW 100

#define PLAIN "[listen plain]\naddress = 127.0.0.1:0\n"
#define SECURE PLAIN "tls.self_signed = dev\n"
#define SERVER                                                                 \
    "[server]\nworkers = 2\nbody_memory = 4k\n"                                \
    "temp_dir = $DIR\nuse = log, id, fields\nmax_body = 64k\n"                 \
    "store_memory = 1m\n"                                                      \
    "[plugin hello]\n"                                                         \
    "[plugin log]\nmodule = access-log\npath = $DIR/access.log\n"              \
    "[plugin id]\nmodule = request-id\n"                                       \
    "[plugin fields]\nmodule = headers\nset = X-A: b\n"                        \
    "[plugin limit]\nmodule = limit-body\nmax = 32k\n"                         \
    "[plugin echo]\n"                                                          \
    "[plugin answers]\nfile = $DIR/file\n"                                     \
    "[plugin tally]\nmount = /tally\n"                                         \
    "[route echo]\nmatch = POST /echo\nuse = limit\nhandler = echo\n"          \
    "[scope fields]\nmatch = /p/*\nfields.set = X-A: c\n"

/* Whether it goes over TLS. */
static int is_secure;

static struct client
open_one(const struct server *s)
{
#ifdef ETUDE_TLS
    if (is_secure)
        return secure_open(s, NULL);
#endif
    return client_open(s);
}

static void
start(struct server *s)
{
    server_prepare(s, is_secure ? SERVER SECURE : SERVER PLAIN);
    server_file(s, "file", "what a file holds, ten bytes and a few more");
    preload_begin("heap");
    server_serve(s);
    preload_end();
}

static void
pipelined(struct client *c)
{
    char *all = NULL;
    size_t n;
    FILE *f = open_memstream(&all, &n);

    for (int i = 0; i < PIPELINED; i++)
        fputs(i % 2 ? "GET /hello/you?a=%20b HTTP/1.1\r\nHost: x\r\n\r\n"
                    : "GET /p/one/two HTTP/1.1\r\nHost: x\r\n\r\n",
              f);
    fclose(f);
    client_send(c, all, n);
    for (int i = 0; i < PIPELINED; i++)
        client_take(c, 0, 200, i % 2 ? "Hello, you!\n" : NULL);
    free(all);
}

static void
post(struct client *c, size_t n, int status)
{
    static char body[40000];

    memset(body, 'b', sizeof body);
    client_printf(c,
                  "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %zu"
                  "\r\n\r\n%.*s",
                  n, (int)n, body);
    client_take(c, 0, status, NULL);
}

static void
chunked(struct client *c)
{
    client_puts(c, "POST /method HTTP/1.1\r\nHost: x\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n"
                   "5;a=b\r\nhello\r\n0\r\nX-Trailer: y\r\n\r\n");
    client_take(c, 0, 200, NULL);
}

/* More than a store of this size holds. */
static void
stored(struct client *c)
{
    client_expect(c,
                  "GET /tally/fill/5500?ttl=9999 HTTP/1.1\r\nHost: x\r\n\r\n",
                  200, "5500");
    client_expect(c, "GET /tally/put/k/value HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "0");
    client_expect(c, "GET /tally/get/k HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "value");
}

/* A hundred requests and one that is none. */
static void
mixed(struct server *s, struct client *c)
{
    struct client other = open_one(s);

    pipelined(c);
    client_expect(c, "HEAD /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    client_expect(c, "OPTIONS /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 204,
                  NULL);
    client_expect(c, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 204, NULL);
    client_expect(c, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL);
    client_expect(c, "PUT /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 405, NULL);
    client_expect(c, "GET /fail HTTP/1.1\r\nHost: x\r\n\r\n", 500, NULL);
    client_expect(c, "GET /mem/100000 HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    client_expect(c, "GET /heads/900 HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    for (int i = 0; i < 4; i++)
        client_expect(c, "GET /file/10 HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                      "what a fil");
    for (int i = 0; i < 4; i++)
        post(c, 100, 200);
    post(c, SPILLED, 200);
    post(c, 33000, 413);
    chunked(c);
    stored(c);
    client_puts(&other, "GET / HTTP/1.1\r\nHost : x\r\n\r\n");
    client_take(&other, 0, 400, NULL);
    client_close(&other);
}

static void
tell(const struct heap_counts *counts, pid_t pid)
{
    char line[512];
    FILE *maps;

    for (int i = 0; i < HEAP_CALLERS; i++)
        fprintf(stderr, "called from %#lx\n", counts->caller[i]);
    snprintf(line, sizeof line, "/proc/%d/maps", (int)pid);
    maps = fopen(line, "re");
    while (maps && fgets(line, sizeof line, maps)) {
        if (strstr(line, "r-xp"))
            fputs(line, stderr);
    }
    if (maps)
        fclose(maps);
}

static void
no_thread_that_serves_calls_it(void)
{
    struct server s;
    struct client c[2];
    struct heap_counts *counts = preload_share("T_HEAP", sizeof *counts);
    unsigned long before, calls, few = is_secure ? FEW : 0;

    start(&s);
    /* One connection for each worker. */
    for (int i = 0; i < 2; i++)
        c[i] = open_one(&s);
    for (int i = 0; i < WARM_UP; i++)
        mixed(&s, &c[i % 2]);
    before = counts->since = counts->n;
    for (int i = 0; i < unit_rounds(ROUNDS); i++)
        mixed(&s, &c[i % 2]);
    calls = counts->n - before;
    if (calls > few)
        tell(counts, server_pid(&s));
    ck_assert_msg(calls <= few, "%lu calls of the heap", calls);
    /* That it would have been seen: this route's plugin calls malloc. */
    before = counts->n;
    client_expect(&c[0], "GET /ref/10 HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    ck_assert_uint_gt(counts->n, before);
    for (int i = 0; i < 2; i++)
        client_close(&c[i]);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(threads_that_serve_never_call_the_heap)
{
    no_thread_that_serves_calls_it();
}
END_TEST

#ifdef ETUDE_TLS
START_TEST(nor_over_tls)
{
    is_secure = 1;
    no_thread_that_serves_calls_it();
}
END_TEST
#else
#define nor_over_tls threads_that_serve_never_call_the_heap
#endif

UNIT_MAIN_UNLESS(server_is_sanitized(), "a sanitizer has a malloc of its own",
                 heap, threads_that_serve_never_call_the_heap, nor_over_tls)
