/* SPDX-License-Identifier: BSD-2-Clause */
/* waiter.h - requests that wait, in every way there is, until they are let go:
 * the client's end of t/fixtures/waits.c, which a server of one worker has.
 *
 *     struct waiter w = waiter_ask(&s, &u, "sleep", "", 1);
 *     struct client control = wsock_open(&s, "/waits/ws"); ...
 *     waiter_go(&w, &control);
 *     client_take(&w.c, 0, 200, "MARK 0 BUILD");
 *     waiter_close(&w);
 *
 * A call that fails fails the test. */
#ifndef T_LIB_WAITER_H
#define T_LIB_WAITER_H

#include "t/lib/client.h"

struct server;
struct upstream;

#define WAITER_KINDS 10
extern const char *const waiter_kinds[WAITER_KINDS];

struct waiter {
    const char *kind;
    struct client c;
    int upstream_fd; /* of a fetch: the connection it has come by; else -1 */
};

/* What /waits/count says behind what. */
#define WAITER_COUNT "GET /waits/count HTTP/1.1\r\nHost: x\r\n\r\n"

int waiter_is(const char *kind, const char *name);
/* Whether it has begun its answer by then. */
int waiter_writes(const char *kind);
/* A request of that kind with that query (one job at a time), the nth that
 * waits now; a fetch asks u.  Returns when it waits; n is 0: maybe before, as
 * it may not wait for long. */
struct waiter waiter_ask(const struct server *s, struct upstream *u,
                         const char *kind, const char *query, int n);
/* What it waits for comes to pass: on control, a WebSocket of /waits/ws. */
void waiter_go(struct waiter *w, struct client *control);
/* The number behind what, of the build and process that control is with. */
int waiter_count(struct client *control, const char *what);
void waiter_close(struct waiter *w);

#endif
