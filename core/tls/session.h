/* SPDX-License-Identifier: BSD-2-Clause */
/* session.h - one connection's TLS: bytes that come to text, text to bytes that
 * go; memory only, no descriptor.
 *
 *     feed -> shake ... -> feed -> read, read ... -> keep
 *              +-> signing.h -> shake: what signs with RSA, elsewhere
 *             write, close -> flow (output) -> sent
 *
 * Records are small at the begin of what is sent after a pause, so that the
 * first ones can be used before the rest has come, then as large as they may
 * be.  An idle session holds its SSL and nothing else. */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "tls/flow.h"
#include "tls/peer.h"

/* What one write takes at most. */
#define SESSION_WRITE_MAX 65536u
/* One record's text (RFC 8446 5.1), and what one of the first ones has: with
 * its frame and TCP's options it fits into a packet. */
#define SESSION_RECORD_MAX 16384u
#define SESSION_RECORD_SMALL 1370u
#define SESSION_SMALL_BYTES 16384u /* so many of them, after a pause of */
#define SESSION_PAUSE_MS 1000u
/* New keys of the peer's that nobody has counted. */
#define SESSION_UPDATES_MAX 100u

struct context;
struct ssl_st;

struct session {
    struct ssl_st *ssl;
    struct context *context; /* held */
    struct flow flow;
    struct peer peer;  /* who has shown a certificate, once that is known */
    uint64_t wrote_ms; /* when it last did */
    uint32_t n_small; /* bytes written since the last pause, in small records */
    uint8_t is_shaken;   /* the handshake is over */
    uint8_t is_early;    /* text has come before that, and some may go */
    uint8_t is_late;     /* no more of that comes */
    uint8_t is_broken;   /* nothing can be written any more */
    uint8_t signs;       /* the handshake waits for signing.h */
    uint8_t n_updates;   /* at most SESSION_UPDATES_MAX */
    unsigned long error; /* OpenSSL's, of a signature that failed there; 0 */
};

enum session_step {
    SESSION_MORE,   /* bytes of the peer's are needed */
    SESSION_SIGNS,  /* what comes next signs with RSA: signing.h, then again */
    SESSION_DONE,   /* the handshake is over */
    SESSION_FAILED, /* it is not to be; the output may be an alert */
};

/* A server's session, which shows c; memory for what is on its way is from
 * blocks.  0 or ERR_NOMEM, then there is nothing to give back. [worker] */
MUST_USE int session_init(struct session *s, struct context *c,
                          struct blocks *blocks);
/* The kernel may make the records that go to fd, from the end of the handshake
 * on, if it and the cipher are such that it can (os/ktls.h). [worker] */
void session_offer(struct session *s, int fd);
/* It does, or will when what is in the output has gone: text is written to the
 * socket and not here.  Records of other types are in the output. [worker] */
static inline int
session_is_plain(const struct session *s)
{
    return s->flow.is_plain;
}
/* [worker] */
void session_fini(struct session *s);

/* Text that has come before the handshake is over (RFC 8446 2.3), up to n bytes
 * to p: how many; 0: there is no more of it, session_shake goes on; -EAGAIN;
 * -EPROTO.  Whoever sends it may be somebody who sends it again.  What is
 * written meanwhile goes out before the handshake is over.  [worker] */
MUST_USE ssize_t session_early(struct session *s, char *p, size_t n);
/* Go on with the handshake, when session_early has said 0. [worker] */
MUST_USE enum session_step session_shake(struct session *s);
/* Why it has failed, in words; a text of OpenSSL's. [worker] */
const char *session_why(const struct session *s);

/* Text that has come, up to n bytes to p: how many; 0: the peer has said that
 * this was all; -EAGAIN: none now; -EPROTO: the session is over. [worker] */
MUST_USE ssize_t session_read(struct session *s, char *p, size_t n);
/* How often the peer has had new keys since this was last called (KeyUpdate,
 * RFC 8446 4.6.3).  With SESSION_UPDATES_MAX of them what is behind them is
 * not read any more, and the session is to be closed. [worker] */
static inline uint32_t
session_take_updates(struct session *s)
{
    uint32_t n = s->n_updates;

    s->n_updates = 0;
    return n;
}
/* Text that goes, up to SESSION_WRITE_MAX bytes of iov: how many were taken,
 * all in the output now; or -EPROTO. [worker] */
MUST_USE ssize_t session_write(struct session *s, const struct iovec *iov,
                               uint32_t n_iov, uint64_t now_ms);
/* Say that no more text comes from us (close_notify, RFC 8446 6.1): it is in
 * the output.  Nothing if that cannot be said. [worker] */
void session_close(struct session *s);

/* The host that the client asks for (SNI); absent: none. [worker] */
et_str session_name(const struct session *s);
/* What was agreed on by ALPN: "h2", "http/1.1"; absent: nothing. [worker] */
et_str session_protocol(const struct session *s);
/* "TLSv1.3", "TLS_AES_128_GCM_SHA256". [worker] */
et_str session_version(const struct session *s);
et_str session_cipher(const struct session *s);
/* The handshake is not over, so what has come may come again (RFC 8470).
 * [worker] */
static inline int
session_is_early(const struct session *s)
{
    return !s->is_shaken;
}
/* It goes on with one of before. [worker] */
int session_is_resumed(const struct session *s);
/* Whether host may be asked for here: none or no name was given, they are the
 * same, or a certificate that is shown for that name covers it (RFC 9110
 * 15.5.20).  [worker] */
int session_serves(const struct session *s, et_str host);

#endif
