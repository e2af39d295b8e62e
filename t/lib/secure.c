/* SPDX-License-Identifier: BSD-2-Clause */
/* secure.c - a client that speaks TLS; see secure.h.
 *
 * A bridge is found by the descriptor that the test has of it, and goes when
 * its thread has ended. */
#include "t/lib/secure.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "t/lib/server.h"

#define DEADLINE_S 20
#define PIECE 16384

/* Bytes on their way in one direction. */
struct piece {
    char bytes[PIECE];
    size_t at, n; /* those from at to n are still to be written */
};

struct bridge {
    struct bridge *next;
    pthread_mutex_t lock; /* of session and ending */
    SSL *ssl;
    int test_fd;          /* the test's end, by which it is found */
    int pair, tcp;        /* ours */
    struct piece out, in; /* to the server, from it */
    int is_out_over, is_in_over, is_lazy;
    SSL_SESSION *session; /* the last one offered */
    int ending;           /* secure_ended */
};

static pthread_mutex_t bridges_lock = PTHREAD_MUTEX_INITIALIZER;
static struct bridge *bridges;

/* The end of a test does not wait for the threads: what they use must not be
 * taken away from them by exit(). */
__attribute__((constructor)) static void
keep_the_library(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

/* ---- the context ---------------------------------------------------------*/

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct bridge *b = SSL_get_app_data(ssl);

    pthread_mutex_lock(&b->lock);
    SSL_SESSION_free(b->session);
    b->session = session;
    pthread_mutex_unlock(&b->lock);
    return 1;
}

static void
set_versions(SSL_CTX *ctx, const struct secure *how)
{
    SSL_CTX_set_security_level(ctx, 0); /* old protocols too, to be refused */
    ck_assert_int_eq(SSL_CTX_set_min_proto_version(ctx, how->min), 1);
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(ctx, how->max), 1);
    if (how->ciphers)
        ck_assert_int_eq(SSL_CTX_set_cipher_list(ctx, how->ciphers), 1);
    if (how->groups)
        ck_assert_int_eq(SSL_CTX_set1_groups_list(ctx, how->groups), 1);
    if (how->sigalgs)
        ck_assert_int_eq(SSL_CTX_set1_sigalgs_list(ctx, how->sigalgs), 1);
}

/* "h2,http/1.1" as it goes over the wire. */
static void
set_alpn(SSL_CTX *ctx, const char *names)
{
    char copy[128], *rest = copy, *name;
    unsigned char wire[128];
    unsigned n = 0;

    snprintf(copy, sizeof copy, "%s", names);
    while ((name = strsep(&rest, ",")) != NULL) {
        size_t len = strlen(name);
        wire[n] = (unsigned char)len;
        memcpy(wire + n + 1, name, len);
        n += (unsigned)len + 1;
    }
    ck_assert_int_eq(SSL_CTX_set_alpn_protos(ctx, wire, n), 0);
}

static SSL_CTX *
make_context(const struct secure *how)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    ck_assert_ptr_nonnull(ctx);
    set_versions(ctx, how);
    if (how->alpn)
        set_alpn(ctx, how->alpn);
    if (how->authority) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        ck_assert_int_eq(SSL_CTX_load_verify_file(ctx, how->authority), 1);
    }
    if (how->certificate) {
        ck_assert_int_eq(
            SSL_CTX_use_certificate_chain_file(ctx, how->certificate), 1);
        ck_assert_int_eq(
            SSL_CTX_use_PrivateKey_file(ctx, how->key, SSL_FILETYPE_PEM), 1);
    }
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                            SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    return ctx;
}

static SSL *
make_ssl(const struct secure *how, struct bridge *b)
{
    SSL_CTX *ctx = make_context(how);
    SSL *ssl = SSL_new(ctx);

    SSL_CTX_free(ctx);
    ck_assert_ptr_nonnull(ssl);
    SSL_set_app_data(ssl, b);
    SSL_set_fd(ssl, b->tcp);
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
                          SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (how->sni)
        SSL_set_tlsext_host_name(ssl, how->sni);
    if (how->sni && how->authority)
        ck_assert_int_eq(SSL_set1_host(ssl, how->sni), 1);
    if (how->asks_ocsp)
        SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    if (how->session)
        ck_assert_int_eq(SSL_set_session(ssl, how->session), 1);
    return ssl;
}

/* ---- the handshake -------------------------------------------------------*/

static void
note_peer(struct secure *how, const X509 *x)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName,
                              how->subject, sizeof how->subject);
    snprintf(how->kind, sizeof how->kind, "%s",
             EVP_PKEY_get0_type_name(X509_get0_pubkey(x)));
    X509_digest(x, EVP_sha256(), digest, &n);
    for (unsigned i = 0; i < n; i++)
        snprintf(how->sha256 + 2 * i, 3, "%02x", digest[i]);
}

static void
note_outcome(struct secure *how, SSL *ssl)
{
    const unsigned char *name, *ocsp;
    unsigned n;
    long n_ocsp = SSL_get_tlsext_status_ocsp_resp(ssl, &ocsp);

    snprintf(how->protocol, sizeof how->protocol, "%s", SSL_get_version(ssl));
    snprintf(how->cipher, sizeof how->cipher, "%s", SSL_get_cipher_name(ssl));
    SSL_get0_alpn_selected(ssl, &name, &n);
    snprintf(how->alpn_chosen, sizeof how->alpn_chosen, "%.*s", (int)n,
             n ? (const char *)name : "");
    how->is_resumed = SSL_session_reused(ssl);
    how->is_early_taken =
        SSL_get_early_data_status(ssl) == SSL_EARLY_DATA_ACCEPTED;
    how->n_ocsp = n_ocsp > 0 ? (int)n_ocsp : 0;
    if (SSL_get0_peer_certificate(ssl))
        note_peer(how, SSL_get0_peer_certificate(ssl));
}

static void
note_failure(struct secure *how, SSL *ssl, int rc)
{
    unsigned long e = ERR_peek_last_error();
    int kind = SSL_get_error(ssl, rc);

    if (e)
        ERR_error_string_n(e, how->why, sizeof how->why);
    else
        snprintf(how->why, sizeof how->why, "the connection ended (%d, %s)",
                 kind, strerror(errno));
    ERR_clear_error();
}

static int
dial(const struct secure *how)
{
    const struct timeval deadline = {.tv_sec = DEADLINE_S};
    struct client c = {.fd = how->fd};

    if (!how->fd)
        c = how->unix_path ? client_unix(how->unix_path)
                           : client_dial(how->port);
    setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
    if (how->preface)
        client_puts(&c, how->preface);
    return c.fd;
}

/* What is to be sent before the handshake is over. */
static int
write_early(const struct secure *how, SSL *ssl)
{
    size_t n;

    return !how->early ||
           SSL_write_early_data(ssl, how->early, strlen(how->early), &n) == 1;
}

/* ---- the bridge ----------------------------------------------------------*/

static void
set_nonblocking(int fd)
{
    ck_assert_int_ge(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

static void
end_in(struct bridge *b, int ending)
{
    b->is_in_over = 1;
    pthread_mutex_lock(&b->lock);
    b->ending = ending;
    pthread_mutex_unlock(&b->lock);
    if (b->in.at == b->in.n)
        shutdown(b->pair, SHUT_WR);
}

static void
end_out(struct bridge *b)
{
    b->is_out_over = 1;
    SSL_shutdown(b->ssl);
    ERR_clear_error();
    shutdown(b->tcp, SHUT_WR);
}

/* Whether anything moved. */
static int
read_test(struct bridge *b)
{
    ssize_t k;

    if (b->is_out_over || b->out.at < b->out.n)
        return 0;
    k = recv(b->pair, b->out.bytes, PIECE, 0);
    if (k < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (k <= 0) {
        end_out(b);
        return 1;
    }
    b->out.at = 0;
    b->out.n = (size_t)k;
    return 1;
}

static int
write_server(struct bridge *b)
{
    int k;

    if (b->is_out_over || b->out.at == b->out.n)
        return 0;
    ERR_clear_error();
    k = SSL_write(b->ssl, b->out.bytes + b->out.at,
                  (int)(b->out.n - b->out.at));
    if (k > 0) {
        b->out.at += (size_t)k;
        return 1;
    }
    k = SSL_get_error(b->ssl, k);
    if (k == SSL_ERROR_WANT_WRITE || k == SSL_ERROR_WANT_READ)
        return 0;
    ERR_clear_error();
    b->is_out_over = 1; /* what is sent now fails: the test notices */
    shutdown(b->pair, SHUT_RD);
    return 1;
}

static int
read_server(struct bridge *b)
{
    int k;

    if (b->is_in_over || b->in.at < b->in.n)
        return 0;
    ERR_clear_error();
    k = SSL_read(b->ssl, b->in.bytes, PIECE);
    if (k > 0) {
        b->in.at = 0;
        b->in.n = (size_t)k;
        return 1;
    }
    k = SSL_get_error(b->ssl, k);
    if (k == SSL_ERROR_WANT_READ || k == SSL_ERROR_WANT_WRITE)
        return 0;
    ERR_clear_error();
    end_in(b, k == SSL_ERROR_ZERO_RETURN);
    return 1;
}

/* The test has closed its end. */
static void
abandon(struct bridge *b)
{
    b->in.at = b->in.n;
    b->is_in_over = b->is_out_over = 1;
}

static int
write_test(struct bridge *b)
{
    ssize_t k;

    if (b->in.at == b->in.n)
        return 0;
    k = send(b->pair, b->in.bytes + b->in.at, b->in.n - b->in.at, MSG_NOSIGNAL);
    if (k < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (k <= 0) {
        abandon(b);
        return 1;
    }
    b->in.at += (size_t)k;
    if (b->in.at == b->in.n && b->is_in_over)
        shutdown(b->pair, SHUT_WR);
    return 1;
}

static void
wait_for_more(struct bridge *b)
{
    int writes_out = b->out.at < b->out.n, writes_in = b->in.at < b->in.n;
    struct pollfd p[2] = {{.fd = b->pair}, {.fd = b->tcp}};

    if (!writes_out && !b->is_out_over)
        p[0].events |= POLLIN;
    if (writes_in)
        p[0].events |= POLLOUT;
    if (!writes_in && !b->is_in_over)
        p[1].events |= POLLIN;
    if (writes_out)
        p[1].events |= POLLOUT;
    if (!p[1].events)
        p[1].fd = -1; /* else its end would be told again and again */
    (void)!poll(p, 2, 1000);
    if (b->is_out_over && (p[0].revents & (POLLHUP | POLLERR)))
        abandon(b); /* closed, not only half of it */
}

static void
forget(struct bridge *b)
{
    struct bridge **at = &bridges;

    pthread_mutex_lock(&bridges_lock);
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    pthread_mutex_unlock(&bridges_lock);
    /* Whoever's end came first: its session may be gone on with. */
    SSL_set_shutdown(b->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(b->ssl);
    SSL_SESSION_free(b->session);
    close(b->tcp);
    close(b->pair);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

/* Wait until SSL can go on; false: the test has closed its end. */
static int
wait_to_shake(struct bridge *b, int rc)
{
    int writes = SSL_get_error(b->ssl, rc) == SSL_ERROR_WANT_WRITE;
    struct pollfd p[2] = {{.fd = b->pair}, {.fd = b->tcp}};

    p[1].events = writes ? POLLOUT : POLLIN;
    return poll(p, 2, -1) < 0 || !(p[0].revents & (POLLHUP | POLLERR));
}

static int
has_protocol(const struct bridge *b)
{
    const unsigned char *name;
    unsigned n;

    SSL_get0_alpn_selected(b->ssl, &name, &n);
    return n > 0;
}

/* The handshake of one that is lazy; false if it comes to nothing. */
static int
shake(struct bridge *b)
{
    struct secure how = {0};
    int rc, kind;

    do {
        ERR_clear_error();
        errno = 0;
        rc = SSL_connect(b->ssl);
        kind = SSL_get_error(b->ssl, rc);
    } while ((kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) &&
             wait_to_shake(b, rc));
    if (rc == 1)
        return has_protocol(b);
    note_failure(&how, b->ssl, rc);
    fprintf(stderr, "TLS handshake: %s\n", how.why);
    return 0;
}

/* The test may look at what it was told until it closes its end. */
static int
test_is_there(const struct bridge *b)
{
    struct pollfd p = {.fd = b->pair};

    return poll(&p, 1, 10) == 0 || !(p.revents & (POLLHUP | POLLERR));
}

static void *
carry(void *arg)
{
    struct bridge *b = arg;
    sigset_t all;

    sigfillset(&all); /* a write to a socket that has gone is no SIGPIPE */
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    if (b->is_lazy && !shake(b)) {
        end_in(b, 0);
        b->is_out_over = 1;
    }
    while (!b->is_in_over || b->in.at < b->in.n) {
        int moved =
            read_test(b) + write_server(b) + read_server(b) + write_test(b);
        if (!moved)
            wait_for_more(b);
    }
    while (!b->is_out_over && test_is_there(b)) {
        if (!read_test(b) && !write_server(b))
            wait_for_more(b);
    }
    forget(b);
    return NULL;
}

static void
start(struct bridge *b)
{
    pthread_attr_t detached;
    pthread_t thread;

    set_nonblocking(b->tcp);
    set_nonblocking(b->pair);
    pthread_mutex_lock(&bridges_lock);
    b->next = bridges;
    bridges = b;
    pthread_mutex_unlock(&bridges_lock);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    ck_assert_int_eq(pthread_create(&thread, &detached, carry, b), 0);
    pthread_attr_destroy(&detached);
}

/* ---- what tests call -----------------------------------------------------*/

/* It has come to nothing, or is left as it is. */
static void
give_up(struct bridge *b)
{
    close(b->test_fd);
    close(b->pair);
    SSL_free(b->ssl);
    SSL_SESSION_free(b->session);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

int
secure_try(struct secure *how, struct client *c)
{
    struct bridge *b = calloc(1, sizeof *b);
    int ends[2], rc;

    ck_assert_ptr_nonnull(b);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
                     0);
    signal(SIGPIPE, SIG_IGN); /* SSL writes without MSG_NOSIGNAL */
    pthread_mutex_init(&b->lock, NULL);
    b->test_fd = ends[0];
    b->pair = ends[1];
    b->ending = -1;
    b->tcp = dial(how);
    b->ssl = make_ssl(how, b);
    how->why[0] = '\0';
    ERR_clear_error();
    if (how->is_left) {
        rc = write_early(how, b->ssl);
        *c = (struct client){.fd = b->tcp};
        give_up(b);
        return rc;
    }
    b->is_lazy = how->is_lazy;
    rc = b->is_lazy || (write_early(how, b->ssl) && SSL_connect(b->ssl) == 1);
    if (rc == 1) {
        if (!b->is_lazy)
            note_outcome(how, b->ssl);
        start(b);
        *c = (struct client){.fd = ends[0]};
        return 1;
    }
    note_failure(how, b->ssl, rc);
    close(b->tcp);
    give_up(b);
    return 0;
}

struct client
secure_connect(struct secure *how)
{
    struct client c;

    ck_assert_msg(secure_try(how, &c), "TLS handshake: %s", how->why);
    return c;
}

struct client
secure_open(const struct server *s, const char *sni)
{
    struct secure how = {.port = s->port, .sni = sni};

    return secure_connect(&how);
}

static struct bridge *
find(const struct client *c)
{
    struct bridge *b = bridges;

    while (b && b->test_fd != c->fd)
        b = b->next;
    return b;
}

/* Wait until get, which is given the bridge (its lock is held), is content. */
static void
wait_until(const struct client *c, int (*get)(struct bridge *b, void *out),
           void *out, int ms)
{
    const struct timespec tick = {0, 2000000};
    int is_there = 0;

    for (; !is_there && ms >= 0; ms -= 2) {
        struct bridge *b;
        pthread_mutex_lock(&bridges_lock);
        b = find(c);
        if (b) {
            pthread_mutex_lock(&b->lock);
            is_there = get(b, out);
            pthread_mutex_unlock(&b->lock);
        }
        pthread_mutex_unlock(&bridges_lock);
        if (!is_there)
            nanosleep(&tick, NULL);
    }
}

static int
get_session(struct bridge *b, void *out)
{
    if (!b->session || !SSL_SESSION_is_resumable(b->session))
        return 0;
    *(SSL_SESSION **)out = b->session;
    return SSL_SESSION_up_ref(b->session);
}

void *
secure_session(const struct client *c, int ms)
{
    SSL_SESSION *session = NULL;

    wait_until(c, get_session, &session, ms);
    return session;
}

void
secure_forget(void *session)
{
    SSL_SESSION_free(session);
}

static int
get_ending(struct bridge *b, void *out)
{
    *(int *)out = b->ending;
    return b->ending >= 0;
}

int
secure_ended(const struct client *c)
{
    int ending = -1;

    wait_until(c, get_ending, &ending, DEADLINE_S * 1000);
    return ending;
}
