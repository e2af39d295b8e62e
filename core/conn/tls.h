/* SPDX-License-Identifier: BSD-2-Clause */
/* tls.h - a connection over TLS: a transport, and what comes before it.
 *
 *     PROXY (if its listener has that) -> HANDSHAKE -> IDLE ... as any other
 *
 * Until its first byte such a connection is its slot, as a plain one is; then
 * it has a session (tls/session.h) as well, until its end.  What is sent is one
 * send of the kernel's for as many records as there are; the connection hears
 * of bytes of text only. */
#ifndef CONN_TLS_H
#define CONN_TLS_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "conn/transport.h"
#include "io/io.h"

struct session;

/* Of the source of a connection that has or will have TLS. */
extern const struct io_handler tls_handler;

/* It will have TLS, and nothing of that has been read yet. [worker] */
static inline int
tls_is_before(const struct conn *c)
{
    return c->phase <= CONN_HANDSHAKE && c->transport == &plain_transport &&
           (c->phase == CONN_HANDSHAKE ||
            c->env->listeners[c->listener].context);
}

/* c, which is before it, has a session from now on, whose first n bytes are at
 * p, until tls_run has returned or tls_keep was called.  0; or ERR_NOMEM, and c
 * is closed. [worker] */
MUST_USE int tls_open(struct conn *c, const char *p, size_t n);
/* Have the session keep them.  0, or ERR_NOMEM. [worker] */
MUST_USE int tls_keep(struct conn *c);
/* The session goes on with what has come. [worker] */
void tls_run(struct conn *c);
/* Its session, until the kernel has let go of c; or NULL. [worker] */
const struct session *tls_session(const struct conn *c);

#endif
