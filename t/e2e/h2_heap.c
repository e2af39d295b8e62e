/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_heap.c - no thread that serves calls the heap for HTTP/2 either: sessions,
 * streams, bodies, answers that are decided and written.
 *
 * As heap.c, with clients that are not ours. */
/* tags: epoll plain */
#include "t/preload/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/preload.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 110
#include "t/lib/unit.h"

static const char ini[] =
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nbody_memory = 4k\n"
    "temp_dir = $DIR\nuse = log, id, fields\nh2c = yes\n"
    "[plugin hello]\n[plugin answers]\n[plugin writer]\n[plugin echo]\n"
    "[plugin log]\nmodule = access-log\npath = $DIR/access.log\n"
    "[plugin id]\nmodule = request-id\n"
    "[plugin fields]\nmodule = headers\nset = X-A: b\n"
    "[route echo]\nmatch = POST /echo\nhandler = echo\n";

static struct server s;

static void
start(void)
{
    server_prepare(&s, ini);
    server_file(&s, "body", "");
    preload_begin("heap");
    server_serve(&s);
    preload_end();
}

/* n requests, m at a time on each of two connections, all of them answered. */
static void
load(int n, int m, const char *more, const char *path)
{
    char line[512], want[64];
    static char out[20000];
    FILE *f;

    snprintf(line, sizeof line,
             "h2load -n %d -c 2 -m %d %s 'http://127.0.0.1:%u%s' 2>&1", n, m,
             more, s.port, path);
    f = popen(line, "r");
    ck_assert_ptr_nonnull(f);
    out[fread(out, 1, sizeof out - 1, f)] = '\0';
    pclose(f);
    snprintf(want, sizeof want, "%d done, %d succeeded, 0 failed", n, n);
    ck_assert_msg(strstr(out, want) != NULL, "%s: %s", path, out);
}

static void
mixed(int n)
{
    char body[128], path[96];

    snprintf(path, sizeof path, "%s/body", s.dir);
    ck_assert_int_eq(truncate(path, 9000), 0);
    snprintf(body, sizeof body, "-d %s", path);
    load(n, 32, "", "/hello/you");
    load(n / 10, 10, "", "/mem/100000");
    load(n / 10, 10, "", "/heads/900");
    load(n / 10, 10, body, "/echo"); /* spilled */
    load(n / 10, 10, body, "/writer/echo");
    load(n / 10, 10, "", "/writer/pieces?n=3&size=20000");
}

START_TEST(streams_never_call_the_heap)
{
    struct client c;
    struct heap_counts *counts = preload_share("T_HEAP", sizeof *counts);
    unsigned long before, calls;

    start();
    mixed(1000);
    before = counts->since = counts->n;
    mixed(10000);
    calls = counts->n - before;
    for (int i = 0; calls > 0 && i < HEAP_CALLERS; i++)
        fprintf(stderr, "called from %#lx\n", counts->caller[i]);
    ck_assert_msg(calls == 0, "%lu calls of the heap", calls);
    /* That it would have been seen: this route's plugin calls malloc. */
    before = counts->n;
    c = client_open(&s);
    client_expect(&c, "GET /ref/10 HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    ck_assert_uint_gt(counts->n, before);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN_UNLESS(server_is_sanitized(), "a sanitizer has a malloc of its own",
                 h2_heap, streams_never_call_the_heap)
