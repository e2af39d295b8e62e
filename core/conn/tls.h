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

/* Begin with the bytes of it that are kept. [worker] */
void tls_resume(struct conn *c);
/* Its session, or NULL. [worker] */
struct session *tls_session(const struct conn *c);
/* Whether host may be asked for on c, which has a session. [worker] */
int tls_serves(const struct conn *c, et_str host);
/* Its handshake is not over, so what has come may come again (RFC 8470).
 * [worker] */
int tls_is_early(const struct conn *c);
/* What sink->secret says. [worker] */
et_str tls_text(const struct conn *c, uint32_t which);

#endif
