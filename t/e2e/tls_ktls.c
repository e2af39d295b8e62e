/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_ktls.c - tls.ktls: where the kernel makes the records, what is sent is
 * the same; where it cannot, the server does as ever.
 * tags: epoll asan tsan plain */
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/ktls.h"
#include "t/lib/client.h"
#include "t/lib/pki.h"
#include "t/lib/secure.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define LAST(path)                                                             \
    "GET " path " HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
#define FILE_BYTES 20000000u

static struct server s;
static uint16_t tls_port;
static char *file;

static int
has_it(void)
{
    int rc = ktls_probe();

    if (rc < 0)
        printf("no record is the kernel's here: %s\n", strerror(-rc));
    return rc == 0;
}

static void
make_file(void)
{
    char path[128];
    unsigned x = 1;
    FILE *f;

    file = malloc(FILE_BYTES);
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < FILE_BYTES; i++) {
        x = x * 1103515245 + 12345;
        file[i] = (char)(x >> 16);
    }
    snprintf(path, sizeof path, "%s/file", s.dir);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(file, 1, FILE_BYTES, f), FILE_BYTES);
    fclose(f);
}

/* The port of the second listener, which the log says last. */
static uint16_t
second_port(void)
{
    char line[512] = "";
    unsigned port = 0;
    FILE *f = fopen(s.log_path, "r");

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f))
        if (strstr(line, "listening on 127.0.0.1:"))
            sscanf(strstr(line, "127.0.0.1:") + 10, "%u", &port);
    fclose(f);
    ck_assert_uint_gt(port, 0);
    return (uint16_t)port;
}

static void
start(const char *how)
{
    char ini[1024];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
             "metrics = /metrics\nadmin = $DIR/admin\ntls.ktls = %s\n"
             "[listen tls]\naddress = 127.0.0.1:0\n"
             "tls.certificate = $DIR/site.pem\ntls.key = $DIR/site.key\n"
             "[listen early]\naddress = unix:$DIR/early\n"
             "tls.certificate = $DIR/site.pem\ntls.key = $DIR/site.key\n"
             "tls.early_data = yes\n"
             "[plugin hello]\n[plugin answers]\nfile = $DIR/file\n",
             how);
    server_prepare(&s, ini);
    pki_make(&s, &(struct pki){.file = "site", .names = "a.test"});
    make_file();
    server_serve(&s);
    tls_port = second_port();
}

static void
stop(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
    free(file);
}

static void
expect_file(struct client *c, size_t n)
{
    struct answer a;

    client_printf(c, GET("/file/%zu"), n);
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, n);
    ck_assert_int_eq(memcmp(a.body, file, n), 0);
    answer_free(&a);
}

/* Answers of all sizes, several on their way at once, and an end that is said:
 * in each version. */
static void
converse(int version)
{
    static const size_t sizes[] = {1, 16384, 16385, 65536, 1000003, FILE_BYTES};
    struct secure how = {.port = tls_port,
                         .sni = "a.test",
                         .min = version,
                         .max = version,
                         .ciphers = "ECDHE+AESGCM"};
    struct client c = secure_connect(&how);

    client_expect(&c, GET("/hello/you"), 200, "Hello, you!\n");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        expect_file(&c, sizes[i]);
    client_printf(&c, GET("/file/100000") GET("/hello/a") LAST("/file/30"));
    for (int i = 0; i < 3; i++) {
        struct answer a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_uint_eq(a.n, i == 0 ? 100000 : i == 1 ? 10 : 30);
        answer_free(&a);
    }
    ck_assert_int_eq(secure_ended(&c), 1);
    client_close(&c);
}

START_TEST(all_of_it_arrives)
{
    int n = has_it() ? 2 : 0;

    start("auto");
    converse(0x0303);
    converse(0x0304);
    ck_assert_int_eq(tally_figure(&s, "tls_handshakes_total"), 2);
    ck_assert_int_eq(tally_figure(&s, "tls_kernel_total"), n);
    stop();
}
END_TEST

START_TEST(off_is_off)
{
    start("off");
    converse(0x0304);
    ck_assert_int_eq(tally_figure(&s, "tls_kernel_total"), 0);
    stop();
}
END_TEST

/* A cipher that is not the kernel's to use is the server's. */
START_TEST(other_ciphers_are_the_server_s)
{
    struct secure how = {.sni = "a.test",
                         .max = 0x0303,
                         .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305"};
    struct client c;

    start("auto");
    how.port = tls_port;
    c = secure_connect(&how);
    expect_file(&c, 1000003);
    client_close(&c);
    ck_assert_int_eq(tally_figure(&s, "tls_kernel_total"), 0);
    stop();
}
END_TEST

static int
say(SSL *ssl, char *got, int n)
{
    int rc = SSL_write(ssl, GET("/hello/you"), sizeof GET("/hello/you") - 1);

    return rc <= 0 ? rc : SSL_read(ssl, got, n);
}

/* RFC 8446 4.6.3: whoever asks for new keys gets them, or, if the kernel has
 * the old ones for good, an end that is said; never text by keys that are
 * over. */
START_TEST(new_keys_are_had_or_the_end_is_said)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    struct client c;
    char got[4096];
    int n;

    start("auto");
    c = client_connect(tls_port);
    SSL_set_min_proto_version(ssl, TLS1_3_VERSION);
    SSL_set_fd(ssl, c.fd);
    ck_assert_int_eq(SSL_connect(ssl), 1);
    ck_assert_int_gt(say(ssl, got, sizeof got), 0);
    ck_assert_int_eq(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ck_assert_int_gt(say(ssl, got, sizeof got), 0);
    ck_assert_int_eq(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    n = say(ssl, got, sizeof got);
    if (has_it()) {
        ck_assert_int_le(n, 0);
        ck_assert_int_eq(SSL_get_error(ssl, n), SSL_ERROR_ZERO_RETURN);
    } else {
        ck_assert_int_gt(n, 0);
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    client_close(&c);
    stop();
}
END_TEST

/* The keys come from another thread, and the kernel was asked before. */
START_TEST(so_it_is_if_the_pool_signs)
{
    struct secure how = {.sni = "a.test", .ciphers = "ECDHE+AESGCM"};
    int n = has_it() ? 2 : 0;

    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                       "metrics = /metrics\ntls.ktls = auto\n"
                       "[listen tls]\naddress = 127.0.0.1:0\n"
                       "tls.certificate = $DIR/rsa.pem\n"
                       "tls.key = $DIR/rsa.key\ntls.offload = rsa\n"
                       "[plugin answers]\nfile = $DIR/file\n");
    pki_make(&s, &(struct pki){.file = "rsa", .names = "a.test", .is_rsa = 1});
    make_file();
    server_serve(&s);
    how.port = second_port();
    for (int version = 0x0303; version <= 0x0304; version++) {
        struct client c;
        how.min = how.max = version;
        c = secure_connect(&how);
        expect_file(&c, 1000003);
        client_close(&c);
    }
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_total"), 2);
    ck_assert_int_eq(tally_figure(&s, "tls_kernel_total"), n);
    stop();
}
END_TEST

/* In use or why not: of each listener, by status and among the figures. */
static void
expect_said(const char *tls, const char *early)
{
    static const char *const as_text[] = {"status", NULL};
    static const char *const as_json[] = {"status", "--json", NULL};
    static char out[65536];
    char want[128];

    ck_assert_int_eq(server_run(&s, as_json, out, sizeof out), 0);
    snprintf(want, sizeof want, "\"ktls\":\"%s\",\"tls\":true", tls);
    unit_has(out, want);
    snprintf(want, sizeof want, "\"ktls\":\"%s\",\"tls\":true", early);
    unit_has(out, want);
    ck_assert_int_eq(server_run(&s, as_text, out, sizeof out), 0);
    unit_has(out, "KTLS");
    snprintf(want, sizeof want, "  no    %-10s  ", early);
    unit_has(out, want);
    snprintf(want, sizeof want, "tls_ktls{listen=\"tls\",state=\"%s\"}", tls);
    ck_assert_int_eq(tally_figure(&s, want), strcmp(tls, "on") == 0);
    snprintf(want, sizeof want, "tls_ktls{listen=\"early\",state=\"%s\"}",
             early);
    ck_assert_int_eq(tally_figure(&s, want), 0);
}

START_TEST(whether_it_is_in_use_is_told)
{
    int has = has_it();

    start("auto");
    expect_said(has ? "on" : "no kernel", has ? "early data" : "no kernel");
    stop();
    start("off");
    expect_said("off", "off");
    stop();
}
END_TEST

UNIT_MAIN(tls_ktls, all_of_it_arrives, off_is_off, so_it_is_if_the_pool_signs,
          whether_it_is_in_use_is_told, other_ciphers_are_the_server_s,
          new_keys_are_had_or_the_end_is_said)
