/* SPDX-License-Identifier: BSD-2-Clause */
/* exchange.h - one request and its answer, whatever carries them, until nothing
 * needs it any more.
 *
 *     begin -> (read, run, answered) -> log -> release
 *                        \-> abandon: its client goes in the middle
 *                        \-> part -> end: a WebSocket whose step goes on
 *
 * An HTTP/1 connection has one at a time, which is part of it; an HTTP/2 stream
 * is one.  What is done with what comes of its walk is in walk.h.
 *
 * A request that is abandoned while something of it is on its way - it has been
 * woken, a job of its plugin's runs - is astray: nobody has it, its generation
 * stays pinned, and it is released when that has come. */
#ifndef CONN_EXCHANGE_H
#define CONN_EXCHANGE_H

#include <stdint.h>

#include "base/check.h"

struct body;
struct env;
struct h2;
struct req;
struct sink;
struct stream;

/* What an exchange is at; of an HTTP/1 connection, which has one, what that is
 * at.  An HTTP/2 stream begins with HEAD and is CLOSED when it is over. */
enum conn_phase {
    CONN_PROXY,     /* before the PROXY protocol header is complete */
    CONN_HANDSHAKE, /* of TLS: before or in it */
    CONN_IDLE,      /* between requests: nothing attached */
    CONN_HEAD,      /* part of a head has come */
    CONN_BODY,      /* a step waits for the request's body */
    CONN_WAIT,      /* a step waits for something else (http/pause.h) */
    CONN_SEND,      /* the response is decided and not yet sent */
    CONN_DISCARD,   /* the response is out, its request's body still coming */
    CONN_PREFACE,   /* whether it is HTTP/2 is not known before more has come */
    CONN_H2,        /* a connection of HTTP/2 (h2.h) */
    CONN_STREAM,    /* a WebSocket (upgraded.h) */
    CONN_FLUSH,     /* the last answer is on its way, then close */
    CONN_LINGER,    /* our side is shut; reading until the peer's is too */
    CONN_CLOSED,    /* waiting for on_released */
};

/* A list, so that a connection can have them as its own. */
/* clang-format off */
#define EXCHANGE_FIELDS                                                        \
    struct req *req; /* being read, run or answered; or NULL */                \
    union {                                                                    \
        struct body *body;     /* of req, in its arena; NULL: it has none */   \
        struct stream *stream; /* there is no req; NULL: it is none */         \
        struct h2 *h2;         /* the connection is one of HTTP/2 */           \
    };                                                                         \
    uint64_t client;    /* of census_join; 0: not counted */                   \
    uint64_t since_ms;  /* when the phase or its last progress was */          \
    uint8_t phase;      /* enum conn_phase */                                  \
    uint8_t listener;   /* it came by */                                       \
    uint8_t is_eof;     /* the peer sends nothing more */                      \
    uint8_t closes;     /* no request after this one */                        \
    uint8_t lingers;    /* after the last answer, read what still comes */     \
    uint8_t is_logged;  /* req's log steps have run */                         \
    uint8_t body_done;  /* req's body has been read to its end */              \
    uint8_t is_request_counted; /* client is of req, not of the connection */
/* clang-format on */

struct exchange {
    EXCHANGE_FIELDS
};

/* Attach a fresh request to x, which has none; its sink's context is x.  0,
 * ERR_LIMIT or ERR_NOMEM. [worker] */
MUST_USE int exchange_begin(struct exchange *x, struct env *env,
                            const struct sink *sink);
/* Count x as one of client key, if that is limited: 0, or ERR_LIMIT: it has as
 * many as it may have. [worker] */
MUST_USE int exchange_count_client(struct exchange *x, struct env *env,
                                   uint64_t key);
/* Its answer is over: its log steps run, once, and then nothing of it points
 * into its generation any more. [worker] */
void exchange_log(struct exchange *x, struct env *env);
/* It goes back; its log steps have run. [worker] */
void exchange_release(struct exchange *x, struct env *env);
/* x's request leaves it: it goes on by itself, with a sink of the caller's, and
 * does not count as one that is being answered.  [worker] */
struct req *exchange_part(struct exchange *x, struct env *env);
/* One that has left is over: its log steps run, and it goes back. [worker] */
void exchange_end(struct env *env, struct req *r);
/* There is no answer, or not all of it: if it waits it is cancelled, then both
 * of the above.  Nothing if x has none; the kernel holds nothing of it.
 * [worker] */
void exchange_abandon(struct exchange *x, struct env *env);

#endif
