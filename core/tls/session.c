/* SPDX-License-Identifier: BSD-2-Clause */
/* session.c - see session.h. */
#include "tls/session.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "tls/context_own.h"

/* What others have left in the thread's queue of errors would be taken for
 * ours: plugins use OpenSSL, too. */
static void
forget_errors(void)
{
    if (UNLIKELY(ERR_peek_error() != 0))
        ERR_clear_error();
}

int
session_init(struct session *s, struct context *c, struct blocks *blocks)
{
    BIO *bio;

    *s = (struct session){.ssl = SSL_new(c->sites[0].ssl)};
    flow_init(&s->flow, blocks);
    bio = s->ssl ? flow_bio(&s->flow) : NULL;
    if (!bio) {
        SSL_free(s->ssl);
        ERR_clear_error();
        return ERR_NOMEM;
    }
    s->context = context_hold(c);
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_accept_state(s->ssl);
    return 0;
}

void
session_offer(struct session *s, int fd)
{
    if (s->context->ktls != CONTEXT_KTLS_ON)
        return;
    s->flow.ktls_fd = fd;
    SSL_set_options(s->ssl, SSL_OP_ENABLE_KTLS);
}

void
session_fini(struct session *s)
{
    SSL_free(s->ssl);
    peer_fini(&s->peer);
    flow_fini(&s->flow);
    context_drop(s->context);
}

/* ---- handshake -----------------------------------------------------------*/

/* Who the client is, if it has shown that; 0, or ERR_NOMEM. */
static int
know_peer(struct session *s)
{
    X509 *x = SSL_get0_peer_certificate(s->ssl);

    if (LIKELY(!x) || s->peer.memory)
        return 0;
    return peer_init(&s->peer, x);
}

ssize_t
session_early(struct session *s, char *p, size_t n)
{
    size_t got;

    if (s->is_late || s->signs || !s->context->has_early_data)
        return 0;
    forget_errors();
    switch (SSL_read_early_data(s->ssl, p, n, &got)) {
    case SSL_READ_EARLY_DATA_SUCCESS:
        s->is_early = 1;
        return know_peer(s) < 0 ? -EPROTO : (ssize_t)got;
    case SSL_READ_EARLY_DATA_FINISH: s->is_late = 1; return 0;
    default: break;
    }
    switch (SSL_get_error(s->ssl, 0)) {
    case SSL_ERROR_WANT_READ: return -EAGAIN;
    case SSL_ERROR_WANT_X509_LOOKUP: s->signs = 1; return 0;
    default: break;
    }
    s->is_broken = 1;
    return -EPROTO;
}

/* OpenSSL calls this where its state changes: after the handshake with each
 * KeyUpdate, and with no text.  It reads on behind those by itself. */
static void
on_change(const SSL *ssl, int where, int rc)
{
    struct flow *f = flow_of(SSL_get_rbio(ssl));
    struct session *s = CONTAINER_OF(f, struct session, flow);

    (void)where;
    (void)rc;
    if (SSL_get_state(ssl) != TLS_ST_SR_KEY_UPDATE ||
        s->n_updates >= SESSION_UPDATES_MAX)
        return;
    if (++s->n_updates == SESSION_UPDATES_MAX)
        flow_stop(f);
}

enum session_step
session_shake(struct session *s)
{
    int rc;

    if (s->is_broken)
        return SESSION_FAILED;
    if (s->signs)
        return SESSION_SIGNS;
    forget_errors();
    rc = SSL_do_handshake(s->ssl);
    if (rc == 1 && know_peer(s) == 0) {
        s->is_shaken = 1;
        SSL_set_info_callback(s->ssl, on_change);
        return SESSION_DONE;
    }
    switch (rc == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ: return SESSION_MORE;
    case SSL_ERROR_WANT_X509_LOOKUP: s->signs = 1; return SESSION_SIGNS;
    default: break;
    }
    s->is_broken = 1;
    return SESSION_FAILED;
}

const char *
session_why(const struct session *s)
{
    unsigned long code = s->error ? s->error : ERR_peek_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return text ? text : "no reason is known";
}

/* ---- text ----------------------------------------------------------------*/

/* The peer wants to see new keys of ours before any more text (KeyUpdate, RFC
 * 8446 4.6.3), and the kernel has the old ones for good. */
static int
is_stuck(const struct session *s)
{
    return UNLIKELY(s->flow.is_plain) &&
           SSL_get_key_update_type(s->ssl) != SSL_KEY_UPDATE_NONE;
}

ssize_t
session_read(struct session *s, char *p, size_t n)
{
    size_t got;
    int rc;

    forget_errors();
    rc = SSL_read_ex(s->ssl, p, n, &got);
    if (is_stuck(s)) {
        session_close(s);
        s->is_broken = 1;
        return -EPROTO;
    }
    if (LIKELY(rc == 1))
        return (ssize_t)got;
    switch (SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ: return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: break;
    }
    s->is_broken = 1;
    ERR_clear_error();
    return -EPROTO;
}

/* How much the next record takes. */
static size_t
record_bytes(struct session *s)
{
    return s->n_small < SESSION_SMALL_BYTES ? SESSION_RECORD_SMALL
                                            : SESSION_RECORD_MAX;
}

static void
note_time(struct session *s, uint64_t now_ms)
{
    if (now_ms - s->wrote_ms >= SESSION_PAUSE_MS)
        s->n_small = 0;
    s->wrote_ms = now_ms;
}

static int
write_record(struct session *s, const char *p, size_t n)
{
    size_t taken;
    int rc = s->is_shaken ? SSL_write_ex(s->ssl, p, n, &taken)
                          : SSL_write_early_data(s->ssl, p, n, &taken);

    if (rc != 1 || taken != n) {
        s->is_broken = 1;
        ERR_clear_error();
        return -EPROTO;
    }
    if (s->n_small < SESSION_SMALL_BYTES)
        s->n_small += (uint32_t)n;
    return 0;
}

/* Where the next byte of an iovec is. */
struct cursor {
    const struct iovec *iov;
    uint32_t left; /* iovecs */
    size_t at;     /* within the first */
    size_t room;   /* of the whole write */
};

static void
skip(struct cursor *c, size_t n)
{
    c->room -= n;
    c->at += n;
    while (c->left > 0 && c->at == c->iov->iov_len) {
        c->iov++;
        c->left--;
        c->at = 0;
    }
}

static size_t
next_part(const struct cursor *c, size_t max)
{
    size_t n = c->iov->iov_len - c->at;

    if (n > max)
        n = max;
    return n > c->room ? c->room : n;
}

/* Pieces that are smaller than a record share one. */
static ssize_t
write_gathered(struct session *s, struct cursor *c, size_t max)
{
    char text[SESSION_RECORD_MAX];
    size_t n = 0;

    while (c->left > 0 && c->room > 0 && n < max) {
        size_t part = next_part(c, max - n);
        memcpy(text + n, (const char *)c->iov->iov_base + c->at, part);
        n += part;
        skip(c, part);
    }
    return write_record(s, text, n) < 0 ? -EPROTO : (ssize_t)n;
}

static ssize_t
write_next(struct session *s, struct cursor *c)
{
    size_t max = record_bytes(s), n = next_part(c, max);
    int rc;

    if (n < max && n < c->room && c->left > 1)
        return write_gathered(s, c, max);
    rc = write_record(s, (const char *)c->iov->iov_base + c->at, n);
    skip(c, n);
    return rc < 0 ? rc : (ssize_t)n;
}

ssize_t
session_write(struct session *s, const struct iovec *iov, uint32_t n_iov,
              uint64_t now_ms)
{
    struct cursor c = {.iov = iov, .left = n_iov, .room = SESSION_WRITE_MAX};
    size_t taken = 0;

    if (s->is_broken || (!s->is_shaken && !s->is_early))
        return -EPROTO;
    forget_errors();
    note_time(s, now_ms);
    skip(&c, 0);
    while (c.left > 0 && c.room > 0) {
        ssize_t n = write_next(s, &c);
        if (n < 0)
            return n;
        taken += (size_t)n;
    }
    return (ssize_t)taken;
}

void
session_close(struct session *s)
{
    if (s->is_broken || !s->is_shaken)
        return;
    forget_errors();
    SSL_shutdown(s->ssl);
    ERR_clear_error();
}

/* ---- what was agreed on --------------------------------------------------*/

et_str
session_name(const struct session *s)
{
    return str_from_z(SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name));
}

et_str
session_protocol(const struct session *s)
{
    const unsigned char *p = NULL;
    unsigned n = 0;

    SSL_get0_alpn_selected(s->ssl, &p, &n);
    return (et_str){(const char *)p, n};
}

et_str
session_version(const struct session *s)
{
    return str_from_z(SSL_get_version(s->ssl));
}

et_str
session_cipher(const struct session *s)
{
    return str_from_z(SSL_get_cipher_name(s->ssl));
}

int
session_is_resumed(const struct session *s)
{
    return SSL_session_reused(s->ssl);
}

int
session_serves(const struct session *s, et_str host)
{
    et_str name = session_name(s);

    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    return name.n == 0 || host.n == 0 || str_eq_nocase(name, host) ||
           context_site_covers(context_site_of(s->ssl), host);
}
