/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_own.h - what the parts of the transport by TLS have in common.  For tls.c
 * and tls_out.c only; conn/tls.h is for all others. */
#ifndef CONN_TLS_OWN_H
#define CONN_TLS_OWN_H

#include <stdint.h>

#include "base/wheel.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "conn/tls_calm.h"
#include "conn/transport.h"
#include "io/io.h"
#include "tls/session.h"

struct tls_away;
struct tls_sending;

struct tls {
    struct transport via; /* first: the connection's transport */
    struct session session;
    struct conn *conn; /* NULL: it is gone, but the session is away */
    struct tls_away *away;
    struct wheel_timer again; /* what could not be done where it was asked */
    struct wheel_timer late;  /* until the handshake that text came before is
                                 over */
    /* of tls_out.c */
    struct tls_sending *sending;
    struct io_send *later; /* text that could not go when it was given */
    uint32_t owed; /* bytes of text the output stands for, for conn_sent;
                      of a file: send_file's */
    uint8_t owes_file;
    /* of tls.c */
    uint8_t is_shut_off; /* nobody wants text now */
    uint8_t is_ended;    /* the peer sends no more of it */
    struct tls_calm calm;
};

/* That of a connection whose transport it is. [worker] */
static inline struct tls *
tls_own_of(const struct conn *c)
{
    return CONTAINER_OF(c->transport, struct tls, via);
}

/* It goes on in a moment, from the loop. [worker] */
static inline void
tls_own_soon(struct tls *t)
{
    wheel_arm(&t->conn->env->wheel, &t->again, 0);
}

#endif
