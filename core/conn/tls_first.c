/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_first.c - see tls_first.h. */
#include "conn/tls_first.h"

#include <string.h>

#include "conn/conn.h"
#include "conn/env.h"
#include "conn/out.h"
#include "conn/proxied.h"
#include "conn/tls.h"
#include "conn/transport.h"

/* A request in plain: whoever sends it is told, in plain. */
static void
refuse_plain(struct conn *c)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\n"
                               "Content-Length: 36\r\n"
                               "Connection: close\r\n\r\n"
                               "This port speaks TLS: use https://.\n";
    char *to = out_room(c, sizeof text - 1);

    metrics_add(c->env->metrics, METRIC_tls_failed, 1);
    if (!to) {
        conn_close(c);
        return;
    }
    memcpy(to, text, sizeof text - 1);
    out_commit(c, sizeof text - 1);
    c->phase = CONN_FLUSH;
    c->closes = 1;
    c->lingers = 1;
    c->since_ms = c->env->clock.mono_ms;
}

/* A method's first letter; a TLS record begins with 22 (RFC 8446 5.1). */
static int
is_plain(char first)
{
    return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
}

/* What comes before the session: how many of the n bytes are PROXY's. */
static size_t
read_proxy(struct conn *c, const char *p, size_t n)
{
    size_t used;

    if (c->phase != CONN_PROXY)
        return 0;
    used = proxied_read(c, p, n);
    if (c->phase == CONN_IDLE)
        c->phase = CONN_HANDSHAKE;
    return used;
}

/* Bytes of a connection without a session, from its first one on: how many of
 * them are used.  is_kept: they are c->in's. */
static size_t
read_first(struct conn *c, const char *p, size_t n, int is_kept)
{
    size_t used = read_proxy(c, p, n);

    if (c->phase != CONN_HANDSHAKE || used == n)
        return used;
    if (is_plain(p[used])) {
        refuse_plain(c);
        return n;
    }
    if (tls_open(c, p + used, n - used) == 0 && is_kept && tls_keep(c) < 0)
        conn_close(c);
    return n;
}

/* The connection goes on, if it has not just ended. */
static void
go_on(struct conn *c)
{
    if (c->phase == CONN_CLOSED)
        return;
    if (c->transport != &plain_transport)
        tls_run(c);
    else if (c->phase == CONN_FLUSH)
        conn_resume(c);
    else
        conn_arm(c);
}

void
tls_first_resume(struct conn *c)
{
    size_t n = c->in_end - c->in_start;

    if (n > 0)
        conn_used(c, read_first(c, c->in + c->in_start, n, 1));
    go_on(c);
}

void
tls_first_input(struct conn *c, const char *p, size_t n)
{
    size_t used = 0;

    if (!c->in)
        used = read_first(c, p, n, 0);
    if (c->phase == CONN_CLOSED)
        return;
    if (used < n && conn_keep(c, p + used, n - used) < 0)
        conn_close(c);
    else if (c->in)
        tls_first_resume(c);
    else
        go_on(c);
}
