/* SPDX-License-Identifier: BSD-2-Clause */
/* signing.h - the part of a handshake that signs with RSA, made by a thread
 * that is not the loop's.
 *
 *     session_shake -> SESSION_SIGNS
 *         signing_begin [worker] -> signing_run [any] -> signing_end [worker]
 *     session_shake -> SESSION_MORE, or how it has failed
 *
 * OpenSSL asks for a certificate when the client's hello is read and no session
 * goes on (SSL_CTX_set_cert_cb), and may be told to wait.  What it does next is
 * its whole flight, from its hello to its signature and what is behind that, in
 * one call and from what it has: so that call is what is made elsewhere.
 * Nothing is left in the middle, and no stack is switched.
 *
 * Between begin and end the session's SSL is the other thread's.  The worker
 * may feed and keep what comes and send what was in the output, nothing else;
 * it does not give the session back. */
#ifndef TLS_SIGNING_H
#define TLS_SIGNING_H

#include <stdint.h>

#include "tls/flow.h"

struct session;
struct ssl_ctx_st;

struct signing {
    struct session *session;
    struct flow flow;    /* the session's, meanwhile */
    unsigned long error; /* OpenSSL's, if it has failed */
    uint8_t has_failed;
    uint8_t is_late; /* no early data comes any more */
};

/* Handshakes that show ssl are asked for their certificate, which is where a
 * fallback is chosen (choice.h); and, if the context offloads, those that will
 * sign with RSA stop before that: SESSION_SIGNS.  Not those that go on with a
 * session of before; nor, if there are other certificates, those of clients
 * that take them. [control] */
void signing_ask(struct ssl_ctx_st *ssl);

/* s has come to SESSION_SIGNS. [worker] */
void signing_begin(struct signing *g, struct session *s);
/* Go on until bytes of the peer's are needed. [any] */
void signing_run(struct signing *g);
/* What was written is in the output.  Without signing_run it comes to
 * SESSION_SIGNS again. [worker] */
void signing_end(struct signing *g);

#endif
