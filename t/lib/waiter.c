/* SPDX-License-Identifier: BSD-2-Clause */
/* waiter.c - see waiter.h. */
#include "t/lib/waiter.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/upstream.h"
#include "t/lib/wsock.h"

const char *const waiter_kinds[WAITER_KINDS] = {
    "sleep", "fd",    "job",  "token", "join",
    "next",  "fetch", "body", "write", "flush"};

int
waiter_is(const char *kind, const char *name)
{
    return strcmp(kind, name) == 0;
}

int
waiter_writes(const char *kind)
{
    return waiter_is(kind, "write") || waiter_is(kind, "flush");
}

struct waiter
waiter_ask(const struct server *s, struct upstream *u, const char *kind,
           const char *query, int n)
{
    struct waiter w = {kind, client_open(s), -1};

    if (waiter_is(kind, "body"))
        client_printf(&w.c,
                      "POST /waits/in/body?%s HTTP/1.1\r\nHost: x\r\n"
                      "Content-Length: 2\r\n\r\na",
                      query);
    else
        client_printf(&w.c,
                      "GET /waits/in/%s?port=%d&%s HTTP/1.1\r\nHost: x\r\n\r\n",
                      kind, u->port, query);
    if (waiter_is(kind, "fetch"))
        w.upstream_fd = upstream_take(u);
    if (waiter_is(kind, "job"))
        tally_wait(s, WAITER_COUNT, "begun", 1);
    if (n > 0)
        tally_wait(s, WAITER_COUNT, "waiting", n);
    if (waiter_writes(kind))
        usleep(20000); /* more than its client takes */
    return w;
}

void
waiter_go(struct waiter *w, struct client *control)
{
    wsock_text(control, "go");
    wsock_take_text(control, "gone");
    if (waiter_is(w->kind, "body"))
        client_puts(&w->c, "b");
    if (waiter_is(w->kind, "fetch"))
        upstream_say(w->upstream_fd,
                     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

int
waiter_count(struct client *control, const char *what)
{
    struct wsock_got g;
    char key[64];
    const char *at;
    int n = -1;

    wsock_text(control, "count");
    g = wsock_next(control);
    snprintf(key, sizeof key, "%s ", what);
    at = strstr(g.p, key);
    ck_assert_msg(at && sscanf(at + strlen(key), "%d", &n) == 1, "%s", g.p);
    return n;
}

void
waiter_close(struct waiter *w)
{
    client_close(&w->c);
    if (w->upstream_fd >= 0)
        close(w->upstream_fd);
    w->upstream_fd = -1;
}
