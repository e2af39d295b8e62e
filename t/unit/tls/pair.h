/* SPDX-License-Identifier: BSD-2-Clause */
/* pair.h - for the tests of sessions: a server's against OpenSSL's own client,
 * in memory.  What all pairs of a test share is here, too. */
#ifndef T_UNIT_TLS_PAIR_H
#define T_UNIT_TLS_PAIR_H

#include <errno.h>
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>

#include "t/lib/unit.h"
#include "tls/context.h"
#include "tls/session.h"
#include "tls/tickets.h"

static struct blocks blocks;
static struct tickets *tickets;
static struct context *context; /* the server's, which the test makes */
static SSL_CTX *client_ctx;
static SSL_SESSION *saved; /* what the client was given last */

static inline int
on_new_session(SSL *ssl, SSL_SESSION *s)
{
    (void)ssl;
    SSL_SESSION_free(saved);
    saved = s;
    return 1;
}

static inline void
pair_setup(void)
{
    context_init();
    blocks_init(&blocks, 16u << 20);
    tickets = tickets_new((int64_t)time(NULL));
    client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT |
                                                   SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client_ctx, on_new_session);
}

static inline void
pair_teardown(void)
{
    SSL_SESSION_free(saved);
    SSL_CTX_free(client_ctx);
    context_drop(context);
    tickets_drop(tickets);
    ck_assert_uint_eq(blocks.out_bytes, 0);
    blocks_fini(&blocks);
}

struct pair {
    struct session server;
    SSL *client;
    BIO *to_client, *from_client;
    enum session_step step;
    char text[65536]; /* that the server has read */
    size_t n;
    int is_ended; /* 1: the client has said so; -1: it failed */
    int n_signed; /* what another thread has signed */
};

static inline void
open_pair(struct pair *p, const char *name)
{
    memset(p, 0, sizeof *p);
    ck_assert_int_eq(session_init(&p->server, context, &blocks), 0);
    p->client = SSL_new(client_ctx);
    p->to_client = BIO_new(BIO_s_mem());
    p->from_client = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(p->to_client, -1);
    SSL_set_bio(p->client, p->to_client, p->from_client);
    SSL_set_connect_state(p->client);
    if (name)
        SSL_set_tlsext_host_name(p->client, name);
}

static inline void
close_pair(struct pair *p)
{
    session_fini(&p->server);
    SSL_free(p->client);
}

/* The server is given n bytes, and uses them. */
static inline void
give(struct pair *p, const char *bytes, size_t n)
{
    struct session *s = &p->server;
    ssize_t early = 0;

    flow_feed(&s->flow, bytes, n);
    for (; !s->is_shaken; p->n += (size_t)early) {
        early = session_early(s, p->text + p->n, sizeof p->text - p->n);
        if (early <= 0)
            break;
    }
    if (!s->is_shaken && early == 0)
        p->step = session_shake(s);
    while (s->is_shaken && !p->is_ended) {
        ssize_t got = session_read(s, p->text + p->n, sizeof p->text - p->n);
        if (got == -EAGAIN)
            break;
        if (got <= 0)
            p->is_ended = got == 0 ? 1 : -1;
        else
            p->n += (size_t)got;
    }
    ck_assert_int_eq(flow_keep(&s->flow), 0);
}

/* What the server has to send comes to the client: how many bytes. */
static inline size_t
deliver(struct pair *p)
{
    struct iovec iov[FLOW_BLOCKS];
    uint32_t n = flow_output(&p->server.flow, iov);
    size_t all = 0;

    for (uint32_t i = 0; i < n; i++) {
        BIO_write(p->to_client, iov[i].iov_base, (int)iov[i].iov_len);
        all += iov[i].iov_len;
    }
    flow_sent(&p->server.flow, all);
    return all;
}

/* What the client has to send comes to the server, so many bytes at a time. */
static inline size_t
fetch(struct pair *p, size_t step)
{
    char *bytes;
    long n = BIO_get_mem_data(p->from_client, &bytes);

    for (long at = 0; at < n; at += (long)step)
        give(p, bytes + at, (size_t)(n - at) < step ? (size_t)(n - at) : step);
    BIO_reset(p->from_client);
    return (size_t)n;
}

#endif
