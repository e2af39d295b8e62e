/* SPDX-License-Identifier: BSD-2-Clause */
/* tls.c - connections over TLS: what is agreed on, what goes over them, and how
 * they end.
 * tags: epoll asan tsan plain */
#include "t/lib/unit.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conn/h2.h"
#include "t/lib/client.h"
#include "t/lib/pki.h"
#include "t/lib/secure.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/wsock.h"

#define GET(path, host) "GET " path " HTTP/1.1\r\nHost: " host "\r\n\r\n"
/* The first listener is the plain one: that of the figures. */
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nmetrics = /metrics\n"        \
    "max_body = 64m\ntemp_dir = $DIR\nadmin = $DIR/admin\n" more               \
    "\n[listen tls]\naddress = 127.0.0.1:0\n"                                  \
    "tls.certificate = $DIR/site.pem\ntls.key = $DIR/site.key\n"               \
    "tls.certificate = $DIR/wild.pem\ntls.key = $DIR/wild.key\n"
#define PLUGINS                                                                \
    "[plugin hello]\n[plugin echo]\n[plugin answers]\nfile = $DIR/file\n"      \
    "[route echo]\nmatch = POST /echo\nhandler = echo\n"

static struct server s;
static uint16_t tls_port;

/* The port of the second listener, which the log says. */
static uint16_t
second_port(void)
{
    char line[512] = "", path[160];
    unsigned port = 0;
    FILE *f;

    snprintf(path, sizeof path, "%s", s.log_path);
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f))
        if (strstr(line, "listening on 127.0.0.1:"))
            sscanf(strstr(line, "127.0.0.1:") + 10, "%u", &port);
    fclose(f);
    ck_assert_uint_gt(port, 0);
    return (uint16_t)port;
}

static void
start(const char *ini)
{
    server_prepare(&s, ini);
    pki_make(&s, &(struct pki){.file = "site", .names = "a.test,b.test"});
    pki_make(&s, &(struct pki){.file = "wild", .names = "*.c.test"});
    server_serve(&s);
    tls_port = second_port();
}

static struct client
open_tls(const char *sni)
{
    struct secure how = {.port = tls_port, .sni = sni};

    return secure_connect(&how);
}

static int
figure(const char *name)
{
    return tally_figure(&s, name);
}

static void
wait_figure(const char *name, int n)
{
    tally_wait_figure(&s, name, n);
}

/* A file of n bytes, none of them like its neighbours. */
static void
make_file(size_t n)
{
    char path[128];
    unsigned x = 1;
    FILE *f;

    snprintf(path, sizeof path, "%s/file", s.dir);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < n; i++) {
        x = x * 1103515245 + 12345;
        putc((int)(x >> 16 & 0xff), f);
    }
    fclose(f);
}

static void
is_file(const struct answer *a, size_t n)
{
    unsigned x = 1;

    ck_assert_int_eq(a->status, 200);
    ck_assert_uint_eq(a->n, n);
    for (size_t i = 0; i < n; i++) {
        x = x * 1103515245 + 12345;
        UNIT_HOLDS((unsigned char)a->body[i] == (x >> 16 & 0xff));
    }
}

/* ---- what is agreed on ----------------------------------------------------*/

START_TEST(each_version_and_cipher)
{
    static const struct {
        int version;
        const char *ciphers, *cipher;
    } cases[] = {
        {0x0303, NULL, "ECDHE-ECDSA-AES"},
        {0x0303, "ECDHE-ECDSA-CHACHA20-POLY1305", "CHACHA20"},
        {0x0303, "ECDHE-ECDSA-AES128-GCM-SHA256", "AES128-GCM"},
        {0x0304, NULL, "TLS_"},
    };

    start(SERVER("") PLUGINS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct secure how = {.port = tls_port,
                             .sni = "a.test",
                             .authority = pki_authority(&s),
                             .min = cases[i].version,
                             .max = cases[i].version,
                             .ciphers = cases[i].ciphers};
        struct client c = secure_connect(&how);
        ck_assert_ptr_nonnull(strstr(how.cipher, cases[i].cipher));
        client_expect(&c, GET("/hello/you", "a.test"), 200, "Hello, you!\n");
        client_expect(&c, GET("/scheme", "a.test"), 200, "https");
        client_close(&c);
    }
    ck_assert_int_eq(figure("tls_handshakes_total"), 4);
    ck_assert_int_eq(figure("tls_failed_total"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_is_weak_is_refused)
{
    static const struct {
        int version;
        const char *ciphers, *groups;
    } cases[] = {
        {0x0301, NULL, NULL},
        {0x0302, NULL, NULL},
        {0x0303, "ECDHE-ECDSA-AES128-SHA", NULL},
        {0x0303, "AES128-GCM-SHA256", NULL},
        {0x0303, "DHE-RSA-AES128-GCM-SHA256", NULL},
        {0x0304, NULL, "P-521"},
    };

    start(SERVER("") PLUGINS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct secure how = {.port = tls_port,
                             .min = cases[i].version,
                             .max = cases[i].version,
                             .ciphers = cases[i].ciphers,
                             .groups = cases[i].groups};
        struct client c;
        ck_assert(!secure_try(&how, &c));
        ck_assert_str_ne(how.why, "");
    }
    wait_figure("tls_failed_total", 6);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Those of finite fields, which are RSA's, too. */
START_TEST(who_has_no_curves_is_served)
{
    static const struct {
        const char *ciphers, *cipher; /* NULL: none */
    } cases[] = {
        {"DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"},
        {"DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES256-GCM-SHA384"},
        {"DHE-RSA-CHACHA20-POLY1305", "DHE-RSA-CHACHA20-POLY1305"},
        {"DHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384",
         "ECDHE-RSA-AES256-GCM-SHA384"},
        {"DHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305",
         "ECDHE-ECDSA-CHACHA20-POLY1305"},
        {"DHE-RSA-AES128-SHA256", NULL},
        {"DHE-RSA-AES256-SHA256", NULL},
        {"AES128-GCM-SHA256", NULL},
    };
    int n_failed = 0;

    server_prepare(&s, SERVER("") PLUGINS);
    pki_make(&s, &(struct pki){.file = "site", .names = "a.test", .is_rsa = 1});
    pki_make(&s, &(struct pki){.file = "wild", .names = "a.test"});
    server_serve(&s);
    tls_port = second_port();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct secure how = {.port = tls_port,
                             .sni = "a.test",
                             .authority = pki_authority(&s),
                             .max = 0x0303,
                             .ciphers = cases[i].ciphers};
        struct client c;
        ck_assert_msg(secure_try(&how, &c) == (cases[i].cipher != NULL),
                      "case %zu: %s", i, how.why);
        n_failed += !cases[i].cipher;
        if (!cases[i].cipher)
            continue;
        ck_assert_str_eq(how.cipher, cases[i].cipher);
        client_expect(&c, GET("/hello/you", "a.test"), 200, "Hello, you!\n");
        client_close(&c);
    }
    wait_figure("tls_failed_total", n_failed);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_name_has_its_certificate)
{
    static const char *const cases[][2] = {
        {"a.test", "a.test"},     {"b.test", "a.test"},
        {"x.c.test", "*.c.test"}, {"c.test", "a.test"},
        {"x.y.c.test", "a.test"}, {NULL, "a.test"},
        {"B.TEST", "a.test"},     {"unknown.test", "a.test"},
    };

    start(SERVER("") PLUGINS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct secure how = {.port = tls_port, .sni = cases[i][0]};
        struct client c = secure_connect(&how);
        ck_assert_str_eq(how.subject, cases[i][1]);
        client_close(&c);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The kind of the key is the second question: whoever takes it is shown the
 * certificate that has the name, and nobody else. */
START_TEST(an_exact_name_is_stronger_than_a_wildcard)
{
    static const char exact[] = "tls.certificate = $DIR/exact.pem\n"
                                "tls.key = $DIR/exact.key\n",
                      wild[] = "tls.certificate = $DIR/wild.pem\n"
                               "tls.key = $DIR/wild.key\n";
    static const struct {
        const char *sni;
        int max;
        const char *sigalgs, *ciphers, *subject;
    } cases[] = {
        {"b.c.test", 0, NULL, NULL, "b.c.test"},
        {"b.c.test", 0x0303, NULL, NULL, "b.c.test"},
        {"B.C.test", 0, "ECDSA+SHA256:RSA-PSS+SHA256", NULL, "b.c.test"},
        {"b.c.test", 0, "ECDSA+SHA256", NULL, "*.c.test"},
        {"b.c.test", 0x0303, "ECDSA+SHA256", NULL, "*.c.test"},
        {"b.c.test", 0x0303, NULL, "ECDHE-ECDSA-AES128-GCM-SHA256", "*.c.test"},
        {"x.c.test", 0, NULL, NULL, "*.c.test"},
        {"x.c.test", 0x0303, NULL, NULL, "*.c.test"},
    };

    for (int order = 0; order < 2; order++) {
        char ini[1024];
        int n_offloads = 0;
        snprintf(ini, sizeof ini,
                 "[server]\nlisten = 127.0.0.1:0\nmetrics = /metrics\n"
                 "[listen tls]\naddress = 127.0.0.1:0\n"
                 "tls.offload = %s\n%s%s[plugin hello]\n",
                 order ? "rsa" : "off", order ? exact : wild,
                 order ? wild : exact);
        server_prepare(&s, ini);
        pki_make(&s, &(struct pki){
                         .file = "exact", .names = "b.c.test", .is_rsa = 1});
        pki_make(&s, &(struct pki){.file = "wild", .names = "*.c.test"});
        server_serve(&s);
        tls_port = second_port();
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct secure how = {.port = tls_port,
                                 .sni = cases[i].sni,
                                 .authority = pki_authority(&s),
                                 .max = cases[i].max,
                                 .sigalgs = cases[i].sigalgs,
                                 .ciphers = cases[i].ciphers};
            struct client c = secure_connect(&how);
            ck_assert_msg(strcmp(how.subject, cases[i].subject) == 0,
                          "%d, %zu: %s", order, i, how.subject);
            client_expect(&c, GET("/hello/you", "b.c.test"), 200, NULL);
            client_expect(&c, GET("/hello/you", "y.c.test"),
                          *how.subject == '*' ? 200 : 421, NULL);
            client_close(&c);
            n_offloads += order && *how.subject != '*';
        }
        ck_assert_int_eq(figure("tls_offloads_total"), n_offloads);
        ck_assert_int_eq(server_stop(&s), 0);
    }
}
END_TEST

START_TEST(another_host_is_misdirected)
{
    struct client c;

    start(SERVER("") PLUGINS);
    c = open_tls("a.test");
    client_expect(&c, GET("/hello/you", "b.test"), 200, NULL);
    client_expect(&c, GET("/hello/you", "A.TEST:443"), 200, NULL);
    client_expect(&c, GET("/hello/you", "x.c.test"), 421, NULL);
    client_close(&c);
    c = open_tls("x.c.test");
    client_expect(&c, GET("/hello/you", "y.c.test"), 200, NULL);
    client_puts(&c, "GET https://a.test/hello/you HTTP/1.1\r\n"
                    "Host: x.c.test\r\n\r\n");
    client_take(&c, 0, 421, NULL);
    client_close(&c);
    c = open_tls("unknown.test");
    client_expect(&c, GET("/hello/you", "unknown.test"), 200, NULL);
    client_expect(&c, GET("/hello/you", "b.test"), 200, NULL);
    client_close(&c);
    c = open_tls(NULL);
    client_expect(&c, GET("/hello/you", "anybody"), 200, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What is agreed on of these; "": nothing; "!": the handshake fails. */
static void
agrees(const char *offered, const char *chosen)
{
    struct secure how = {.port = tls_port, .alpn = offered};
    struct client c;

    if (*chosen == '!') {
        ck_assert(!secure_try(&how, &c));
        return;
    }
    c = secure_connect(&how);
    ck_assert_str_eq(how.alpn_chosen, chosen);
    if (strcmp(chosen, "h2") == 0) {
        client_send(&c,
                    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                    "\0\0\0\4\0\0\0\0\0",
                    33);
        client_gather(&c, 9); /* SETTINGS */
        ck_assert_int_eq(c.buf[3], 4);
    } else {
        client_expect(&c, GET("/hello/you", "a.test"), 200, NULL);
    }
    client_close(&c);
}

START_TEST(a_protocol_is_agreed_on)
{
    start(SERVER("") PLUGINS);
    agrees("http/1.1", "http/1.1");
    agrees(NULL, "");
    agrees("h2,http/1.1", h2_is_built() ? "h2" : "http/1.1");
    agrees("http/1.1,h2", h2_is_built() ? "h2" : "http/1.1");
    agrees("spdy/3", "!");
    ck_assert_int_eq(server_stop(&s), 0);
    start(SERVER("") "h2 = no\n" PLUGINS);
    agrees("h2,http/1.1", "http/1.1");
    agrees("h2", "!");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Whichever of the workers it comes to. */
START_TEST(sessions_go_on)
{
    static const int versions[] = {0x0303, 0x0304};

    start(SERVER("") PLUGINS);
    for (int i = 0; i < 2; i++) {
        struct secure how = {.port = tls_port,
                             .sni = "a.test",
                             .min = versions[i],
                             .max = versions[i]};
        void *session = NULL;
        for (int k = 0; k < 7; k++) {
            struct client c;
            how.session = session;
            c = secure_connect(&how);
            ck_assert_int_eq(how.is_resumed, k > 0);
            client_expect(&c, GET("/hello/you", "a.test"), 200, NULL);
            if (k == 0 || versions[i] == 0x0304) { /* else it stays */
                secure_forget(session);
                session = secure_session(&c, 3000);
            }
            ck_assert_msg(session != NULL, "%d %d", i, k);
            client_close(&c);
        }
        secure_forget(session);
    }
    ck_assert_int_eq(figure("tls_handshakes_total"), 14);
    ck_assert_int_eq(figure("tls_resumed_total"), 12);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* RFC 6066 3.  Each case is a name that a session is made with, and one that it
 * would be gone on with. */
START_TEST(a_session_is_one_with_a_name)
{
    static const struct {
        int version;
        const char *first, *then;
        int goes_on;
    } cases[] = {
        {0x0303, "a.test", "A.test", 1},
        {0x0303, "a.test", "b.test", 0}, /* of the same certificate */
        {0x0303, "a.test", "x.c.test", 0},
        {0x0303, "a.test", "unknown.test", 0},
        {0x0303, "a.test", NULL, 0},
        {0x0303, NULL, NULL, 1},
        {0x0303, NULL, "a.test", 0},
        {0x0303, NULL, "unknown.test", 0},
        {0x0303, "unknown.test", "a.test", 0},
        {0x0303, "unknown.test", "other.test", 0},
        {0x0304, "a.test", "x.c.test", 1},
    };

    start(SERVER("") PLUGINS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct secure how = {
            .port = tls_port, .sni = cases[i].first, .max = cases[i].version};
        struct client c = secure_connect(&how);
        how.session = secure_session(&c, 3000);
        ck_assert_ptr_nonnull(how.session);
        client_close(&c);
        how.sni = cases[i].then;
        c = secure_connect(&how);
        ck_assert_msg(how.is_resumed == cases[i].goes_on, "case %zu", i);
        if (cases[i].then && strcmp(cases[i].then, "x.c.test") == 0)
            client_expect(&c, GET("/hello/you", "x.c.test"), 200, NULL);
        client_close(&c);
        secure_forget(how.session);
    }
    ck_assert_int_eq(figure("tls_failed_total"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- who asks -------------------------------------------------------------*/

/* A client with the certificate that was made for name, or none; how: what came
 * of it. */
static int
try_again(const char *name, int version, void *session, struct client *c,
          struct secure *how)
{
    char pem[128], key[128];

    *how = (struct secure){.port = tls_port,
                           .sni = "a.test",
                           .min = version,
                           .max = version,
                           .session = session};
    if (name) {
        snprintf(pem, sizeof pem, "%s/%s.pem", s.dir, name);
        snprintf(key, sizeof key, "%s/%s.key", s.dir, name);
        how->certificate = pem;
        how->key = key;
    }
    return secure_try(how, c);
}

/* The same, and it is made. */
static int
try_as(const char *name, int version, void *session, struct client *c)
{
    struct secure how;

    if (name)
        pki_make(&s,
                 &(struct pki){.file = name, .names = name, .is_client = 1});
    return try_again(name, version, session, c, &how);
}

static const int versions[] = {0x0303, 0x0304};

static void
start_asking(const char *how)
{
    char ini[2048];

    snprintf(
        ini, sizeof ini,
        SERVER("") "tls.client = %s\ntls.client_ca = $DIR/ca.pem\n" PLUGINS,
        how);
    server_prepare(&s, ini);
    pki_make(&s, &(struct pki){.file = "site", .names = "a.test,b.test"});
    pki_make(&s, &(struct pki){.file = "wild", .names = "*.c.test"});
    (void)pki_authority(&s);
    server_serve(&s);
    tls_port = second_port();
}

/* "TLSv1.3 a.test CN=alice <64 digits> DNS:alice" */
static void
is_alice(struct client *c, int version)
{
    struct answer a;

    client_puts(c, GET("/secret", "a.test"));
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_int_eq(
        strncmp(a.body,
                version == 0x0303 ? "TLSv1.2 a.test " : "TLSv1.3 a.test ", 15),
        0);
    unit_has(a.body, "CN=alice");
    unit_has(a.body, " DNS:alice");
    ck_assert_uint_gt(a.n, 64 + 30);
    answer_free(&a);
}

/* That it is refused: in TLS 1.3 when it reads. */
static void
hears_of_it(struct client *c, int version)
{
    ck_assert_int_eq(version, 0x0304);
    (void)client_try_send(c, GET("/secret", "a.test"), 20);
    ck_assert_uint_eq(client_read_all(c), 0);
    client_close(c);
}

START_TEST(a_client_that_must_be_known)
{
    struct client c;

    start_asking("required");
    for (int i = 0; i < 2; i++) {
        void *session;
        ck_assert(try_as("alice", versions[i], NULL, &c));
        is_alice(&c, versions[i]);
        session = secure_session(&c, 3000);
        client_close(&c);
        /* and one that goes on with her session is she */
        ck_assert(try_as(NULL, versions[i], session, &c));
        is_alice(&c, versions[i]);
        secure_forget(session);
        client_close(&c);
        if (try_as(NULL, versions[i], NULL, &c))
            hears_of_it(&c, versions[i]);
    }
    wait_figure("tls_failed_total", 2);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A session of hers with a certificate of some seconds, if it is not over by
 * then. */
static void *
session_of_alice(int version)
{
    struct secure how;
    struct client c;
    void *session;

    if (!try_again("alice", version, NULL, &c, &how))
        return NULL;
    session = secure_session(&c, 3000);
    client_close(&c);
    return session;
}

/* One of each version, with the same certificate: when that ends. */
static time_t
begin_briefly(void *sessions[2])
{
    for (int life_s = 2;; life_s *= 2) {
        time_t end_s;
        pki_make(&s, &(struct pki){.file = "alice",
                                   .names = "alice",
                                   .is_client = 1,
                                   .ends_s = life_s});
        end_s = time(NULL) + life_s;
        for (int i = 0; i < 2; i++)
            sessions[i] = session_of_alice(versions[i]);
        if (sessions[0] && sessions[1])
            return end_s;
        secure_forget(sessions[0]);
        secure_forget(sessions[1]);
    }
}

START_TEST(a_session_ends_with_its_certificate)
{
    void *sessions[2];
    time_t end_s;

    start_asking("required");
    end_s = begin_briefly(sessions);
    while (time(NULL) <= end_s)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    for (int i = 0; i < 2; i++) {
        struct secure how;
        struct client c;
        if (try_again("alice", versions[i], sessions[i], &c, &how)) {
            ck_assert(!how.is_resumed);
            hears_of_it(&c, versions[i]);
        }
    }
    for (int i = 0; i < 2; i++) { /* she has a new one */
        struct client c;
        ck_assert(try_as("alice", versions[i], sessions[i], &c));
        is_alice(&c, versions[i]);
        client_close(&c);
        secure_forget(sessions[i]);
    }
    ck_assert_int_eq(figure("tls_resumed_total"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Who may go on before it is judged (TLS 1.3), and does: as clients of HTTP/2,
 * which have a preface to send. */
static void
is_told_why(const char *alpn, unsigned char n)
{
    struct client c = client_dial(tls_port);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    struct pollfd ready = {.fd = c.fd, .events = POLLIN};
    static char text[1000];
    char none;

    ck_assert_int_eq(SSL_set_alpn_protos(ssl, (const void *)alpn, n), 0);
    ck_assert_int_eq(SSL_set_fd(ssl, c.fd), 1);
    ck_assert_int_eq(SSL_connect(ssl), 1);
    ck_assert_int_eq(SSL_write(ssl, text, sizeof text), sizeof text);
    ck_assert_int_eq(poll(&ready, 1, 10000), 1); /* that was what it says */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(SSL_write(ssl, text, sizeof text), sizeof text);
    ERR_clear_error();
    ck_assert_int_le(SSL_read(ssl, &none, 1), 0);
    ck_assert_int_eq(ERR_GET_REASON(ERR_peek_last_error()),
                     SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    client_close(&c);
}

START_TEST(a_client_that_is_refused_is_told_why)
{
    start_asking("required");
    if (h2_is_built())
        is_told_why("\2h2", 3);
    is_told_why("\10http/1.1", 9);
    wait_figure("tls_failed_total", h2_is_built() ? 2 : 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_client_that_may_be_known)
{
    struct client c;

    start_asking("optional");
    for (int i = 0; i < 2; i++) {
        ck_assert(try_as("alice", versions[i], NULL, &c));
        is_alice(&c, versions[i]);
        client_close(&c);
        ck_assert(try_as(NULL, versions[i], NULL, &c));
        client_expect(&c, GET("/secret", "a.test"), 200,
                      i ? "TLSv1.3 a.test - - -" : "TLSv1.2 a.test - - -");
        client_close(&c);
    }
    client_once(&s, GET("/secret", "a.test"), 200, "- - - - -");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- before the handshake is over -----------------------------------------*/

/* A session that may send early data. */
static void *
session_for_early(void)
{
    struct client c = open_tls("a.test");
    void *session;

    client_expect(&c, GET("/hello/you", "a.test"), 200, NULL);
    session = secure_session(&c, 3000);
    ck_assert_ptr_nonnull(session);
    client_close(&c);
    return session;
}

static struct client
open_early(const char *text, int is_taken)
{
    struct secure how = {.port = tls_port,
                         .sni = "a.test",
                         .session = session_for_early(),
                         .early = text};
    struct client c = secure_connect(&how);

    ck_assert(how.is_resumed);
    ck_assert_int_eq(how.is_early_taken, is_taken);
    secure_forget(how.session);
    return c;
}

#define EARLY SERVER("") "tls.early_data = yes\n" PLUGINS

START_TEST(safe_requests_may_come_early)
{
    struct client c;

    start(EARLY);
    for (int i = 0; i < 5; i++) {
        c = open_early(
            GET("/hello/early", "a.test") GET("/mem/30000", "a.test"), 1);
        client_take(&c, 0, 200, "Hello, early!\n");
        client_take(&c, 0, 200, NULL);
        client_expect(&c, GET("/hello/late", "a.test"), 200, NULL);
        client_close(&c);
    }
    c = open_early("HEAD /hello/early HTTP/1.1\r\nHost: b.test\r\n\r\n", 1);
    client_take(&c, 1, 200, "");
    client_expect(&c,
                  "POST /echo HTTP/1.1\r\nHost: a.test\r\n"
                  "Content-Length: 3\r\n\r\nabc",
                  200, "abc");
    client_close(&c);
    ck_assert_int_eq(figure("tls_failed_total"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* They may come again: once it is not too early (RFC 8470 5.2). */
START_TEST(others_are_too_early)
{
    static const char post[] = "POST /echo HTTP/1.1\r\nHost: a.test\r\n"
                               "Content-Length: 3\r\n\r\nabc";
    struct client c;

    start(EARLY);
    c = open_early(post, 1);
    client_take(&c, 0, 425, NULL);
    client_expect(&c, post, 200, "abc");
    client_close(&c);
    c = open_early("DELETE /hello/you HTTP/1.1\r\nHost: a.test\r\n\r\n", 1);
    client_take(&c, 0, 425, NULL);
    client_close(&c);
    /* One whose head is whole when the handshake is over is not. */
    c = open_early("POST /echo HTTP/1.1\r\nHost: a.test\r\n", 1);
    client_puts(&c, "Content-Length: 3\r\n\r\nabc");
    client_take(&c, 0, 200, "abc");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A file that is larger than what a socket takes. */
START_TEST(a_large_answer_to_an_early_request)
{
    struct answer a;
    struct client c;

    start(EARLY);
    make_file(5000000);
    c = open_early(GET("/file/5000000", "a.test"), 1);
    a = client_answer(&c, 0);
    is_file(&a, 5000000);
    answer_free(&a);
    client_expect(&c, GET("/hello/late", "a.test"), 200, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The handshake's deadline holds, whatever else it could wait for: the next
 * request, the rest of one, its step. */
START_TEST(early_data_does_not_put_the_deadline_off)
{
    static const char *const early[] = {GET("/hello/early", "a.test"),
                                        "GET /hello/early HTTP/1.1\r\n",
                                        GET("/later/hold/early", "a.test")};
    enum { N = sizeof early / sizeof early[0] };
    struct client c[N];

    start(SERVER("handshake_timeout = 300ms\nkeepalive_timeout = 600s\n"
                 "header_timeout = 600s\n") "tls.early_data = yes\n" PLUGINS
                                            "[plugin later]\n");
    for (int i = 0; i < N; i++) {
        struct secure how = {.port = tls_port,
                             .sni = "a.test",
                             .session = session_for_early(),
                             .early = early[i],
                             .is_left = 1};
        c[i] = secure_connect(&how);
        secure_forget(how.session);
    }
    for (int i = 0; i < N; i++) {
        ck_assert_uint_gt(client_read_all(&c[i]), 0);
        client_close(&c[i]);
    }
    wait_figure("tls_failed_total", N);
    ck_assert_int_eq(figure("timeouts_total"), N);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- what is no handshake -------------------------------------------------*/

START_TEST(a_request_in_plain_is_told)
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    };

    start(SERVER("") PLUGINS);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct client c = client_connect(tls_port);
        client_puts(&c, texts[i]);
        client_take(&c, 0, 400, "This port speaks TLS: use https://.\n");
        ck_assert(client_is_closed(&c));
        client_close(&c);
    }
    wait_figure("tls_failed_total", 3);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(garbage_ends_a_connection_and_nothing_else)
{
    static const char *const texts[] = {
        "\x16\x03\x01\x40\x01garbage",
        "\x16\x03\x01\x00\x04\x01\x00\x00\x00",
        "\x80\x2e\x01\x03\x01",
        "\x15\x03\x01\x00\x02\x02\x28",
        "\x17\x03\x03\x00\x05hello",
        "\x01",
        "\xff\xff\xff\xff\xff\xff\xff\xff",
    };
    static const size_t lengths[] = {12, 9, 5, 7, 10, 1, 8};

    start(SERVER("") PLUGINS);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct client c = client_connect(tls_port);
        client_send(&c, texts[i], lengths[i]);
        client_shut(&c);
        (void)client_read_all(&c);
        client_close(&c);
    }
    wait_figure("tls_failed_total", 7);
    ck_assert_int_eq(figure("tls_handshakes_total"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A client of TLS 1.3 that has been answered. */
static SSL *
open_raw(SSL_CTX *ctx, struct client *c)
{
    SSL *ssl = SSL_new(ctx);

    *c = client_dial(tls_port);
    ck_assert_int_eq(SSL_set_fd(ssl, c->fd), 1);
    ck_assert_int_eq(SSL_connect(ssl), 1);
    return ssl;
}

static void
say_hello(SSL *ssl)
{
    char got[4096];

    ck_assert_int_gt(SSL_write(ssl, GET("/hello/you", "a.test"),
                               sizeof GET("/hello/you", "a.test") - 1),
                     0);
    ck_assert_int_gt(SSL_read(ssl, got, sizeof got), 0);
}

/* A record that costs the server as much as many (RFC 8446 4.6.3). */
START_TEST(keys_are_not_changed_for_ever)
{
    static const int types[] = {SSL_KEY_UPDATE_NOT_REQUESTED,
                                SSL_KEY_UPDATE_REQUESTED};
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    signal(SIGPIPE, SIG_IGN);
    start(SERVER("") PLUGINS);
    for (int i = 0; i < 2; i++) {
        struct client c;
        SSL *ssl = open_raw(ctx, &c);
        int n = 0;
        for (int k = 0; k < 20; k++) {
            ck_assert_int_eq(SSL_key_update(ssl, types[i]), 1);
            say_hello(ssl);
        }
        while (n < 50000 && SSL_key_update(ssl, types[i]) == 1 &&
               SSL_do_handshake(ssl) == 1)
            n++;
        ck_assert_int_lt(n, 50000);
        wait_figure("tls_floods_total", i + 1);
        SSL_free(ssl);
        client_close(&c);
    }
    SSL_CTX_free(ctx);
    client_once(&s, GET("/hello/you", "a.test"), 200, "Hello, you!\n");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_slow_handshake_is_cut)
{
    struct client silent, half;

    start(SERVER("handshake_timeout = 300ms\n") PLUGINS);
    silent = client_connect(tls_port);
    half = client_connect(tls_port);
    client_send(&half, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(client_is_closed(i % 2 ? &silent : &half), 1);
        if (i == 1)
            break;
    }
    client_close(&silent);
    client_close(&half);
    wait_figure("tls_failed_total", 1); /* of the one that had begun */
    ck_assert_int_eq(figure("timeouts_total"), 2);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* One byte after the other does not put the deadline off. */
START_TEST(nor_is_it_put_off_by_bytes)
{
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct client c;
    int i, is_open = 1;

    start(SERVER("handshake_timeout = 300ms\n") PLUGINS);
    c = client_connect(tls_port);
    for (i = 0; i < 40 && is_open; i++) {
        is_open = client_try_send(&c, i < 11 ? hello + i : "x", 1);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    ck_assert_int_lt(i, 20);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* One that is not let in is told so in what TLS begins with. */
static void
is_turned_away(const char *preface)
{
    struct secure how = {.port = tls_port, .sni = "a.test", .preface = preface};
    struct client c;

    ck_assert(!secure_try(&how, &c));
    unit_has(how.why, "alert internal error");
    c = client_dial(tls_port); /* and who says nothing */
    if (preface)
        client_puts(&c, preface);
    ck_assert_uint_eq(client_read_all(&c), 7);
    ck_assert_mem_eq(c.buf, "\x15\x03\x03\x00\x02\x02\x50", 7);
    client_close(&c);
}

static void
is_told_503(uint16_t port)
{
    struct client c = client_dial(port);

    client_take(&c, 0, 503, NULL);
    ck_assert(client_is_closed(&c));
    client_close(&c);
}

START_TEST(one_that_is_not_let_in_gets_an_alert)
{
    static const char *const inis[] = {
        SERVER("max_connections = 1\noverload = shed\n") PLUGINS,
        SERVER("max_connections = 1\noverload = shed\naccept = reuseport\n")
            PLUGINS,
        SERVER("max_connections_per_ip = 1\n") PLUGINS,
    };

    for (size_t i = 0; i < sizeof inis / sizeof inis[0]; i++) {
        struct client c;
        start(inis[i]);
        c = open_tls("a.test");
        for (int k = 0; k < 3; k++) {
            is_turned_away(NULL);
            is_told_503(s.port);
        }
        client_expect(&c, GET("/hello/you", "a.test"), 200, NULL);
        client_close(&c);
        ck_assert_int_eq(server_stop(&s), 0);
    }
}
END_TEST

START_TEST(one_of_a_proxy_that_is_not_let_in_too)
{
    static const char preface[] = "PROXY TCP4 192.0.2.9 192.0.2.1 5 443\r\n";
    struct secure how = {.sni = "a.test", .preface = preface};
    struct client c;

    start(
        SERVER("max_connections_per_ip = 1\n") "proxy_protocol = v1\n" PLUGINS);
    how.port = tls_port;
    c = secure_connect(&how);
    is_turned_away(preface);
    client_expect(&c, GET("/hello/you", "a.test"), 200, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What a listener speaks is known to who accepts from it, and may change. */
START_TEST(a_listener_may_come_to_speak_tls)
{
    static const char with[] =
        SERVER("max_connections = 1\noverload = shed\n") PLUGINS;
    char *without = strdup(with), *first;
    struct client c;

    ck_assert_ptr_nonnull(without);
    first = strstr(without, "tls.certificate");
    memmove(first, strstr(first, "[plugin"),
            strlen(strstr(first, "[plugin")) + 1);
    start(without);
    c = client_dial(s.port);
    client_expect(&c, GET("/hello/you", "a.test"), 200, NULL);
    for (int k = 0; k < 2; k++) {
        is_told_503(tls_port);
        server_write(&s, with);
        ck_assert_int_eq(server_reload(&s), 1);
        is_turned_away(NULL);
        server_write(&s, without);
        ck_assert_int_eq(server_reload(&s), 1);
    }
    client_expect(&c, GET("/hello/you", "a.test"), 200, NULL);
    client_close(&c);
    free(without);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(proxy_comes_in_front)
{
    struct secure how;
    struct client c;

    start(SERVER("") "proxy_protocol = v1\n" PLUGINS);
    how =
        (struct secure){.port = tls_port,
                        .sni = "a.test",
                        .preface = "PROXY TCP4 192.0.2.9 192.0.2.1 5 443\r\n"};
    c = secure_connect(&how);
    client_expect(&c, GET("/peer", "a.test"), 200, "192.0.2.9 192.0.2.9");
    client_close(&c);
    how.preface = NULL;
    ck_assert(!secure_try(&how, &c));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- what goes over it ----------------------------------------------------*/

START_TEST(files_arrive_whole)
{
    static const size_t sizes[] = {0,     1,      1369,    1370,     1371,
                                   16383, 16384,  16385,   65535,    65536,
                                   65537, 100000, 1000003, 20000000, 5};
    struct client c;

    start(SERVER("") PLUGINS);
    make_file(20000000);
    c = open_tls("a.test");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct answer a;
        client_printf(&c, GET("/file/%zu", "a.test"), sizes[i]);
        a = client_answer(&c, 0);
        is_file(&a, sizes[i]);
        answer_free(&a);
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(memory_arrives_whole)
{
    static const size_t sizes[] = {0,     1,     2047,  2048,   2049,
                                   16384, 65536, 65537, 100000, 1000003};
    struct client c, plain;

    start(SERVER("") PLUGINS);
    c = open_tls("a.test");
    plain = client_open(&s);
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        struct answer a, b;
        const char *what = i % 2 ? "mem" : "ref";
        client_printf(&c, GET("/%s/%zu", "a.test"), what, sizes[i / 2]);
        client_printf(&plain, GET("/%s/%zu", "a.test"), what, sizes[i / 2]);
        a = client_answer(&c, 0);
        b = client_answer(&plain, 0);
        ck_assert_uint_eq(a.n, sizes[i / 2]);
        ck_assert_uint_eq(b.n, sizes[i / 2]);
        ck_assert_int_eq(memcmp(a.body, b.body, a.n), 0);
        answer_free(&a);
        answer_free(&b);
    }
    client_close(&c);
    client_close(&plain);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A client that takes a bit now and then. */
START_TEST(to_a_slow_reader_too)
{
    struct answer a;
    struct client c;

    start(SERVER("write_timeout = 3s\n") PLUGINS);
    make_file(20000000);
    c = open_tls("a.test");
    client_puts(&c, GET("/file/20000000", "a.test"));
    for (size_t n = 1000000; n < 20000000; n += 2000000) {
        client_gather(&c, n);
        nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    }
    a = client_answer(&c, 0);
    is_file(&a, 20000000);
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* One that takes nothing is given up. */
START_TEST(who_takes_nothing_is_given_up)
{
    struct client c;

    start(SERVER("write_timeout = 400ms\n") PLUGINS);
    make_file(20000000);
    c = open_tls("a.test");
    client_puts(&c, GET("/file/20000000", "a.test"));
    wait_figure("timeouts_total", 1);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(bodies_arrive_whole)
{
    static const size_t sizes[] = {0,     1,      2047,    16384,
                                   16385, 100000, 1000003, 20000000};
    char *body = malloc(20000000);
    struct client c;

    ck_assert_ptr_nonnull(body);
    for (size_t i = 0; i < 20000000; i++)
        body[i] = (char)(i * 7 + i / 1021);
    start(SERVER("") PLUGINS);
    c = open_tls("a.test");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct answer a;
        client_printf(&c,
                      "POST /echo HTTP/1.1\r\nHost: a.test\r\n"
                      "Content-Length: %zu\r\n\r\n",
                      sizes[i]);
        client_send(&c, body, sizes[i]);
        a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_uint_eq(a.n, sizes[i]);
        ck_assert_int_eq(memcmp(a.body, body, a.n), 0);
        answer_free(&a);
    }
    client_close(&c);
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(requests_may_be_pipelined)
{
    struct client c;
    char *all = NULL;
    size_t n;
    FILE *f = open_memstream(&all, &n);

    for (int i = 0; i < 500; i++)
        fprintf(f, GET("/hello/n%d", "a.test"), i);
    fclose(f);
    start(SERVER("") PLUGINS);
    c = open_tls("a.test");
    client_send(&c, all, n);
    for (int i = 0; i < 500; i++) {
        char text[32];
        snprintf(text, sizeof text, "Hello, n%d!\n", i);
        client_take(&c, 0, 200, text);
    }
    client_close(&c);
    free(all);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* More pipelined than is kept, with large answers: reading stops and goes on.
 */
START_TEST(reading_stops_and_goes_on)
{
    struct client c;
    char *all = NULL;
    size_t n;
    FILE *f = open_memstream(&all, &n);

    for (int i = 0; i < 60; i++)
        fprintf(f,
                "GET /mem/300000 HTTP/1.1\r\nHost: a.test\r\nX-A: %1500d"
                "\r\n\r\n",
                i);
    fclose(f);
    start(SERVER("read_buffer = 4k\n") PLUGINS);
    c = open_tls("a.test");
    client_send(&c, all, n);
    for (int i = 0; i < 60; i++) {
        struct answer a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_uint_eq(a.n, 300000);
        answer_free(&a);
    }
    client_close(&c);
    free(all);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_byte_a_record)
{
    struct client c;

    start(SERVER("") PLUGINS);
    c = open_tls("a.test");
    for (int i = 0; i < 3; i++) {
        client_drip(&c, GET("/hello/drip", "a.test"),
                    strlen(GET("/hello/drip", "a.test")));
        client_take(&c, 0, 200, "Hello, drip!\n");
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* From stacks that are as small as they may be. */
START_TEST(tasks_write_and_read)
{
    struct client c;
    struct answer a;

    start(SERVER("task_stack = 48k\n") PLUGINS "[plugin writer]\n");
    c = open_tls("a.test");
    for (int size = 900; size < 40000; size += 3011) {
        client_printf(&c, GET("/writer/pieces?n=3&size=%d", "a.test"), size);
        a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_uint_eq(a.n, (size_t)size * 3);
        for (size_t i = 0; i < a.n; i++)
            UNIT_HOLDS(a.body[i] == (char)('a' + i % 26));
        answer_free(&a);
    }
    client_puts(&c, GET("/writer/pieces?n=3&size=1000000", "a.test"));
    a = client_answer(&c, 0);
    ck_assert_uint_eq(a.n, 3000000);
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_body_that_a_task_streams_back)
{
    enum { N = 3000000 };
    char *body = malloc(N);
    struct client c;
    struct answer a;

    ck_assert_ptr_nonnull(body);
    for (size_t i = 0; i < N; i++)
        body[i] = (char)('a' + i % 23);
    start(SERVER("read_buffer = 4k\n") PLUGINS "[plugin writer]\n");
    c = open_tls("a.test");
    client_printf(&c,
                  "POST /writer/echo?n=5000 HTTP/1.1\r\nHost: a.test\r\n"
                  "Content-Length: %d\r\n\r\n",
                  N);
    for (size_t at = 0; at < N;) {
        size_t n = N - at < 100000 ? N - at : 100000;
        client_send(&c, body + at, n);
        at += n;
        client_gather(&c, at); /* it has come back, and its chunks' heads */
    }
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, N);
    ck_assert_int_eq(memcmp(a.body, body, N), 0);
    answer_free(&a);
    client_close(&c);
    free(body);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(websockets)
{
    struct client c;

    start(SERVER("") PLUGINS
          "[plugin ws-echo]\n[route ws]\nmatch = GET /ws\nhandler = ws-echo\n");
    c = open_tls("a.test");
    client_puts(&c, "GET /ws HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: " WSOCK_KEY "\r\n\r\n");
    client_take(&c, 1, 101, NULL);
    for (int i = 0; i < 100; i++) {
        wsock_text(&c, "hello");
        wsock_take_text(&c, "hello");
    }
    wsock_close(&c, 1000, "");
    wsock_ended(&c, 1000);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- how they end ---------------------------------------------------------*/

START_TEST(an_end_is_said)
{
    struct client c;

    start(SERVER("keepalive_timeout = 300ms\n") PLUGINS);
    c = open_tls("a.test");
    client_puts(&c, "GET /hello/you HTTP/1.1\r\nHost: a.test\r\n"
                    "Connection: close\r\n\r\n");
    client_take(&c, 0, 200, "Hello, you!\n");
    ck_assert(client_is_closed(&c));
    ck_assert_int_eq(secure_ended(&c), 1);
    client_close(&c);
    c = open_tls("a.test"); /* one that is idle for too long, too */
    client_expect(&c, GET("/hello/you", "a.test"), 200, NULL);
    ck_assert(client_is_closed(&c));
    ck_assert_int_eq(secure_ended(&c), 1);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What is cut off does not look as if it were whole. */
START_TEST(what_is_cut_off_is_not_said_to_end)
{
    struct client c;

    start(SERVER("") PLUGINS "[plugin writer]\n");
    c = open_tls("a.test");
    client_puts(&c, "GET /writer/end?how=fail HTTP/1.0\r\n\r\n");
    (void)client_read_all(&c);
    ck_assert_int_eq(secure_ended(&c), 0);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_client_that_shuts_its_side_is_answered)
{
    struct client c;

    start(SERVER("") PLUGINS);
    c = open_tls("a.test");
    client_puts(&c, GET("/mem/500000", "a.test"));
    client_shut(&c);
    client_take(&c, 0, 200, NULL);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* An answer before all of the body has come: the client sees it. */
START_TEST(an_early_answer_arrives)
{
    static char junk[300000];
    struct client c;

    start(SERVER("discard_body = 1k\n") PLUGINS);
    for (int i = 0; i < 5; i++) {
        c = open_tls("a.test");
        client_puts(&c, "POST /hello/you HTTP/1.1\r\nHost: a.test\r\n"
                        "Content-Length: 100000000\r\n\r\n");
        (void)client_pour(&c, junk, sizeof junk, 50);
        client_take(&c, 0, 405, NULL);
        client_close(&c);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_reload_keeps_them)
{
    struct secure how;
    struct client c, d;
    char before[65];

    start(SERVER("") PLUGINS);
    how = (struct secure){.port = tls_port, .sni = "a.test"};
    c = secure_connect(&how);
    strcpy(before, how.sha256);
    client_expect(&c, GET("/hello/one", "a.test"), 200, NULL);
    pki_make(&s, &(struct pki){.file = "site", .names = "a.test,d.test"});
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/hello/two", "a.test"), 200, NULL);
    client_expect(&c, GET("/hello/two", "b.test"), 200, NULL);
    d = secure_connect(&how);
    ck_assert_str_ne(how.sha256, before);
    client_expect(&d, GET("/hello/two", "d.test"), 200, NULL);
    client_expect(&d, GET("/hello/two", "b.test"), 421, NULL);
    client_close(&d);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_stop_says_goodbye_to_idle_ones)
{
    struct client c, waiting;

    start(SERVER("") PLUGINS);
    c = open_tls("a.test");
    client_expect(&c, GET("/hello/you", "a.test"), 200, NULL);
    waiting = client_connect(tls_port); /* no handshake yet */
    server_signal(&s, SIGTERM);
    ck_assert(client_is_closed(&c));
    ck_assert_int_eq(secure_ended(&c), 1);
    client_close(&c);
    client_close(&waiting);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

/* Over an upgrade they end politely, and whoever waits is served. */
START_TEST(an_upgrade_ends_them_politely)
{
    struct client idle, c;
    void *session;
    struct secure how;

    start(SERVER("drain_timeout = 20s\n") PLUGINS "[plugin slow]\n");
    idle = open_tls("a.test");
    client_expect(&idle, GET("/hello/you", "a.test"), 200, NULL);
    session = secure_session(&idle, 3000);
    c = client_connect(tls_port); /* nothing has been said: it goes over */
    (void)server_upgrade(&s);
    ck_assert(client_is_closed(&idle));
    ck_assert_int_eq(secure_ended(&idle), 1);
    client_close(&idle);
    client_close(&c);
    how =
        (struct secure){.port = tls_port, .sni = "a.test", .session = session};
    c = secure_connect(&how);
    ck_assert(how.is_resumed);
    client_expect(&c, GET("/hello/you", "a.test"), 200, NULL);
    client_close(&c);
    secure_forget(session);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(tls, each_version_and_cipher, what_is_weak_is_refused,
          who_has_no_curves_is_served, a_name_has_its_certificate,
          an_exact_name_is_stronger_than_a_wildcard,
          another_host_is_misdirected, a_protocol_is_agreed_on, sessions_go_on,
          a_session_is_one_with_a_name, a_client_that_must_be_known,
          a_session_ends_with_its_certificate,
          a_client_that_is_refused_is_told_why, a_client_that_may_be_known,
          safe_requests_may_come_early, others_are_too_early,
          a_large_answer_to_an_early_request,
          early_data_does_not_put_the_deadline_off, a_request_in_plain_is_told,
          garbage_ends_a_connection_and_nothing_else,
          keys_are_not_changed_for_ever, a_slow_handshake_is_cut,
          nor_is_it_put_off_by_bytes, one_that_is_not_let_in_gets_an_alert,
          one_of_a_proxy_that_is_not_let_in_too,
          a_listener_may_come_to_speak_tls, proxy_comes_in_front,
          files_arrive_whole, memory_arrives_whole, to_a_slow_reader_too,
          who_takes_nothing_is_given_up, bodies_arrive_whole,
          requests_may_be_pipelined, reading_stops_and_goes_on, a_byte_a_record,
          tasks_write_and_read, a_body_that_a_task_streams_back, websockets,
          an_end_is_said, what_is_cut_off_is_not_said_to_end,
          a_client_that_shuts_its_side_is_answered, an_early_answer_arrives,
          a_reload_keeps_them, a_stop_says_goodbye_to_idle_ones,
          an_upgrade_ends_them_politely)
