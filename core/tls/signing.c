/* SPDX-License-Identifier: BSD-2-Clause */
/* signing.c - see signing.h. */
#include "tls/signing.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/choice.h"
#include "tls/context_own.h"
#include "tls/session.h"

/* ---- who signs with RSA --------------------------------------------------*/

static int
is_chacha(const SSL_CIPHER *c)
{
    return SSL_CIPHER_get_cipher_nid(c) == NID_chacha20_poly1305;
}

/* Of TLS 1.2: the first of ours that the client has, or of those of ChaCha20;
 * NULL: none. */
static const SSL_CIPHER *
first_common(SSL *ssl, STACK_OF(SSL_CIPHER) * theirs, int only_chacha)
{
    STACK_OF(SSL_CIPHER) *ours = SSL_get_ciphers(ssl);

    for (int i = 0; i < sk_SSL_CIPHER_num(ours); i++) {
        const SSL_CIPHER *c = sk_SSL_CIPHER_value(ours, i);
        if (SSL_CIPHER_get_auth_nid(c) != NID_auth_any &&
            (!only_chacha || is_chacha(c)) &&
            sk_SSL_CIPHER_find(theirs, c) >= 0)
            return c;
    }
    return NULL;
}

/* In TLS 1.2 the cipher says which key signs: our first, but for who puts
 * ChaCha20 first one of those (SSL_OP_PRIORITIZE_CHACHA). */
static int
cipher_is_ecdsa(SSL *ssl)
{
    STACK_OF(SSL_CIPHER) *theirs = SSL_get_client_ciphers(ssl);
    const SSL_CIPHER *c = NULL;

    if (sk_SSL_CIPHER_num(theirs) <= 0)
        return 0;
    if (is_chacha(sk_SSL_CIPHER_value(theirs, 0)))
        c = first_common(ssl, theirs, 1);
    if (!c)
        c = first_common(ssl, theirs, 0);
    return c && SSL_CIPHER_get_auth_nid(c) == NID_auth_ecdsa;
}

/* Of several certificates RSA's is the last that OpenSSL shows.  In doubt it is
 * RSA: then something fast is done elsewhere. */
static int
signs_with_rsa(SSL *ssl)
{
    const struct context_site *site = context_site_of(ssl);

    if (site->certs[CERT_RSA] == CONTEXT_NONE)
        return 0;
    if (SSL_version(ssl) < TLS1_3_VERSION && !cipher_is_ecdsa(ssl))
        return 1;
    for (uint32_t kind = 0; kind < CERT_KINDS; kind++) {
        uint32_t i = site->certs[kind];
        if (kind != CERT_RSA && i != CONTEXT_NONE &&
            choice_takes(ssl, &site->context->shown[i].cert))
            return 0;
    }
    return 1;
}

/* 1: go on; 0: the handshake fails; -1: wait, and call this again. */
static int
on_certificate(SSL *ssl, void *signing)
{
    if (signing)
        return 1;
    if (choice_make(ssl) < 0)
        return 0;
    return context_site_of(ssl)->context->has_offload && signs_with_rsa(ssl)
               ? -1
               : 1;
}

void
signing_ask(struct ssl_ctx_st *ssl)
{
    SSL_CTX_set_cert_cb(ssl, on_certificate, NULL);
}

/* ---- elsewhere -----------------------------------------------------------*/

void
signing_begin(struct signing *g, struct session *s)
{
    *g = (struct signing){.session = s, .is_late = s->is_late};
    flow_lend(&s->flow, SSL_get_rbio(s->ssl), &g->flow);
    SSL_set_cert_cb(s->ssl, on_certificate, g);
}

/* As the worker would: early data is refused here, as no session goes on. */
static int
go_on(struct signing *g)
{
    SSL *ssl = g->session->ssl;
    size_t none;

    if (g->is_late || !g->session->context->has_early_data)
        return SSL_do_handshake(ssl);
    if (SSL_read_early_data(ssl, NULL, 0, &none) == SSL_READ_EARLY_DATA_FINISH)
        g->is_late = 1;
    return g->is_late ? 1 : -1;
}

/* The queue of errors is the thread's. */
void
signing_run(struct signing *g)
{
    int rc;

    ERR_clear_error();
    rc = go_on(g);
    g->has_failed =
        rc != 1 && SSL_get_error(g->session->ssl, rc) != SSL_ERROR_WANT_READ;
    if (g->has_failed)
        g->error = ERR_peek_error();
    ERR_clear_error();
}

void
signing_end(struct signing *g)
{
    struct session *s = g->session;

    SSL_set_cert_cb(s->ssl, on_certificate, NULL);
    flow_return(&s->flow, SSL_get_rbio(s->ssl), &g->flow);
    s->is_late = g->is_late;
    s->is_broken |= g->has_failed;
    s->error = g->error;
    s->signs = 0;
}
