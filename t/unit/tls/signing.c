/* SPDX-License-Identifier: BSD-2-Clause */
/* signing.c - handshakes whose signature is made by another thread, against
 * OpenSSL's own client, in memory: which they are, what may happen meanwhile,
 * and what becomes of those that fail. */
/* tags: asan tsan */
#include "tls/signing.h"

#include "t/unit/tls/pair.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "base/str.h"

/* ---- certificates --------------------------------------------------------*/

enum { RSA_2048, P_256, P_384, ED25519, KEYS };

static EVP_PKEY *keys_made[KEYS]; /* RSA's takes its time */

static EVP_PKEY *
make_key(int which)
{
    switch (which) {
    case RSA_2048: return EVP_RSA_gen(2048);
    case P_256: return EVP_EC_gen("P-256");
    case P_384: return EVP_EC_gen("P-384");
    default: return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
}

static EVP_PKEY *
key_of(int which)
{
    if (!keys_made[which])
        keys_made[which] = make_key(which);
    return keys_made[which];
}

static et_str
text_of(BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);

    return (et_str){p, (size_t)n};
}

static X509 *
new_certificate(EVP_PKEY *key)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509_EXTENSION *names;

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400 * 30);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"a.example", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_set_pubkey(x, key);
    names =
        X509V3_EXT_nconf_nid(NULL, NULL, NID_subject_alt_name, "DNS:a.example");
    X509_add_ext(x, names, -1);
    X509_EXTENSION_free(names);
    ck_assert_int_gt(
        X509_sign(x, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()),
        0);
    return x;
}

/* A context that shows these keys, whose list ends in KEYS. */
static void
show(const int *keys, struct context_spec spec)
{
    struct context_pair pairs[KEYS];
    BIO *texts[2 * KEYS];
    struct diag diag;
    size_t n = 0;

    diag_init(&diag);
    for (; keys[n] != KEYS; n++) {
        EVP_PKEY *key = key_of(keys[n]);
        X509 *x = new_certificate(key);
        texts[2 * n] = BIO_new(BIO_s_mem());
        texts[2 * n + 1] = BIO_new(BIO_s_mem());
        PEM_write_bio_X509(texts[2 * n], x);
        PEM_write_bio_PrivateKey(texts[2 * n + 1], key, NULL, NULL, 0, NULL,
                                 NULL);
        pairs[n] = (struct context_pair){.chain = text_of(texts[2 * n]),
                                         .key = text_of(texts[2 * n + 1]),
                                         .chain_path = "c",
                                         .key_path = "k"};
        X509_free(x);
    }
    spec.pairs = pairs;
    spec.n_pairs = n;
    spec.tickets = tickets;
    context_drop(context);
    context = context_new(&spec, &diag);
    ck_assert_ptr_nonnull(context);
    for (size_t i = 0; i < 2 * n; i++)
        BIO_free(texts[i]);
    diag_fini(&diag);
}

static const int rsa_only[] = {RSA_2048, KEYS};
static const struct context_spec offloads = {.has_offload = 1};

static void
teardown(void)
{
    pair_teardown();
    for (int i = 0; i < KEYS; i++)
        EVP_PKEY_free(keys_made[i]);
}

/* ---- a client and a server -----------------------------------------------*/

static void
set_version(struct pair *p, int version)
{
    SSL_set_min_proto_version(p->client, version);
    SSL_set_max_proto_version(p->client, version);
}

/* The client goes as if it had said so, or its tickets would be spoilt. */
static void
leave_pair(struct pair *p)
{
    SSL_set_shutdown(p->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    close_pair(p);
}

static void *
elsewhere(void *signing)
{
    signing_run(signing);
    return NULL;
}

static void
sign(struct pair *p)
{
    struct signing g;
    pthread_t thread;

    signing_begin(&g, &p->server);
    ck_assert_int_eq(pthread_create(&thread, NULL, elsewhere, &g), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    signing_end(&g);
    p->n_signed++;
    p->step = session_shake(&p->server);
}

/* Until neither has anything to say: 1: both are through. */
static int
shake(struct pair *p)
{
    int rc = -1;

    for (int i = 0; i < 10; i++) {
        rc = SSL_do_handshake(p->client);
        fetch(p, 65536);
        while (p->step == SESSION_SIGNS)
            sign(p);
        deliver(p);
    }
    return rc == 1 && p->server.is_shaken;
}

/* Up to where the server is to sign. */
static void
come_to_it(struct pair *p)
{
    ck_assert_int_eq(SSL_do_handshake(p->client), -1);
    fetch(p, 65536);
    ck_assert_int_eq(p->step, SESSION_SIGNS);
}

/* ---- which they are ------------------------------------------------------*/

START_TEST(each_version_signs_elsewhere)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    show(rsa_only, offloads);
    for (int i = 0; i < 2; i++) {
        struct pair p;
        char got[16];
        const struct iovec iov = {"good morning", 12};
        open_pair(&p, NULL);
        set_version(&p, versions[i]);
        ck_assert(shake(&p));
        ck_assert_int_eq(p.n_signed, 1);
        ck_assert_int_eq(SSL_version(p.client), versions[i]);
        ck_assert_int_eq(session_write(&p.server, &iov, 1, 1), 12);
        deliver(&p);
        ck_assert_int_eq(SSL_read(p.client, got, sizeof got), 12);
        leave_pair(&p);
    }
}
END_TEST

START_TEST(who_does_not_ask_signs_here)
{
    struct pair p;

    show(rsa_only, (struct context_spec){.has_offload = 0});
    open_pair(&p, NULL);
    ck_assert(shake(&p));
    ck_assert_int_eq(p.n_signed, 0);
    leave_pair(&p);
}
END_TEST

START_TEST(a_session_that_goes_on_signs_nothing)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    show(rsa_only, offloads);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++) {
            struct pair p;
            char none;
            open_pair(&p, NULL);
            set_version(&p, versions[i]);
            if (k)
                SSL_set_session(p.client, saved);
            ck_assert(shake(&p));
            SSL_read(p.client, &none, 1); /* the ticket of TLS 1.3 */
            ck_assert_int_eq(session_is_resumed(&p.server), k);
            ck_assert_int_eq(p.n_signed, !k);
            leave_pair(&p);
        }
    }
}
END_TEST

/* Whoever is shown another key is not sent elsewhere, and whoever is shown
 * RSA's is. */
START_TEST(of_several_keys_it_is_rsa_s)
{
    static const struct {
        int keys[3], version;
        const char *sigalgs, *ciphers;
        int is_rsa;
    } cases[] = {
        {{RSA_2048, P_256, KEYS}, TLS1_3_VERSION, NULL, NULL, 0},
        {{RSA_2048, P_256, KEYS}, TLS1_2_VERSION, NULL, NULL, 0},
        {{P_256, RSA_2048, KEYS}, TLS1_3_VERSION, "RSA-PSS+SHA256", NULL, 1},
        {{P_256, RSA_2048, KEYS}, TLS1_2_VERSION, "RSA-PSS+SHA256", NULL, 1},
        {{P_256, RSA_2048, KEYS},
         TLS1_3_VERSION,
         "RSA-PSS+SHA256:ECDSA+SHA256",
         NULL,
         0},
        {{P_256, RSA_2048, KEYS},
         TLS1_2_VERSION,
         NULL,
         "ECDHE-RSA-AES128-GCM-SHA256",
         1},
        {{P_256, RSA_2048, KEYS},
         TLS1_2_VERSION,
         NULL,
         "ECDHE-ECDSA-CHACHA20-POLY1305",
         0},
        {{RSA_2048, P_384, KEYS},
         TLS1_3_VERSION,
         "ECDSA+SHA256:RSA-PSS+SHA256",
         NULL,
         1},
        {{RSA_2048, P_384, KEYS}, TLS1_3_VERSION, NULL, NULL, 0},
        {{RSA_2048, ED25519, KEYS}, TLS1_3_VERSION, NULL, NULL, 0},
        {{RSA_2048, ED25519, KEYS},
         TLS1_3_VERSION,
         "ECDSA+SHA256:RSA-PSS+SHA256",
         NULL,
         1},
        {{P_256, KEYS, KEYS}, TLS1_3_VERSION, NULL, NULL, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair p;
        show(cases[i].keys, offloads);
        open_pair(&p, NULL);
        set_version(&p, cases[i].version);
        if (cases[i].sigalgs)
            ck_assert_int_eq(SSL_set1_sigalgs_list(p.client, cases[i].sigalgs),
                             1);
        if (cases[i].ciphers)
            ck_assert_int_eq(SSL_set_cipher_list(p.client, cases[i].ciphers),
                             1);
        ck_assert(shake(&p));
        ck_assert_msg(
            EVP_PKEY_is_a(X509_get0_pubkey(SSL_get0_peer_certificate(p.client)),
                          "RSA") == cases[i].is_rsa,
            "case %zu", i);
        ck_assert_msg(p.n_signed == cases[i].is_rsa, "case %zu: %d", i,
                      p.n_signed);
        leave_pair(&p);
    }
}
END_TEST

/* Without curves it is RSA that signs, for a key of the group of RFC 7919 that
 * is made elsewhere, too. */
START_TEST(finite_fields_sign_elsewhere)
{
    static const int both[] = {P_256, RSA_2048, KEYS};
    char group[32];
    EVP_PKEY *key;
    struct pair p;

    show(both, offloads);
    open_pair(&p, NULL);
    set_version(&p, TLS1_2_VERSION);
    ck_assert_int_eq(SSL_set_cipher_list(p.client, "DHE-RSA-AES128-GCM-SHA256"),
                     1);
    ck_assert(shake(&p));
    ck_assert_int_eq(p.n_signed, 1);
    ck_assert_int_eq(SSL_get_peer_tmp_key(p.client, &key), 1);
    ck_assert_int_eq(EVP_PKEY_get_group_name(key, group, sizeof group, NULL),
                     1);
    ck_assert_str_eq(group, "ffdhe2048");
    EVP_PKEY_free(key);
    leave_pair(&p);
}
END_TEST

/* RFC 8446 4.1.4: each of two hellos is looked at elsewhere. */
START_TEST(a_second_hello_signs_elsewhere_too)
{
    struct pair p;

    show(rsa_only, offloads);
    open_pair(&p, NULL);
    ck_assert_int_eq(SSL_set1_groups_list(p.client, "X448:X25519"), 1);
    ck_assert(shake(&p));
    ck_assert_int_eq(p.n_signed, 2);
    leave_pair(&p);
}
END_TEST

START_TEST(early_data_is_taken_and_refused_as_ever)
{
    struct context_spec spec = offloads;
    struct pair p;
    char none;

    spec.has_early_data = 1;
    show(rsa_only, spec);
    for (int k = 0; k < 2; k++) {
        size_t n = 0;
        open_pair(&p, NULL);
        if (k) {
            SSL_set_session(p.client, saved);
            ck_assert_int_eq(SSL_write_early_data(p.client, "early", 5, &n), 1);
        }
        ck_assert(shake(&p));
        SSL_read(p.client, &none, 1);
        ck_assert_int_eq(p.n_signed, !k);
        ck_assert_int_eq(
            SSL_get_early_data_status(p.client) == SSL_EARLY_DATA_ACCEPTED, k);
        leave_pair(&p);
    }
    /* Whoever sends some for a server that has forgotten is asked again. */
    tickets_drop(tickets);
    tickets = tickets_new((int64_t)time(NULL));
    show(rsa_only, spec);
    open_pair(&p, NULL);
    SSL_set_session(p.client, saved);
    {
        size_t n = 0;
        ck_assert_int_eq(SSL_write_early_data(p.client, "early", 5, &n), 1);
    }
    ck_assert(shake(&p));
    ck_assert_int_eq(p.n_signed, 1);
    ck_assert_int_eq(SSL_get_early_data_status(p.client),
                     SSL_EARLY_DATA_REJECTED);
    leave_pair(&p);
}
END_TEST

/* ---- meanwhile -----------------------------------------------------------*/

/* What comes is kept, and what was to be sent can be sent. */
START_TEST(bytes_come_and_go_meanwhile)
{
    static char noise[40000];
    struct signing g;
    struct pair p;

    show(rsa_only, offloads);
    open_pair(&p, NULL);
    ck_assert_int_eq(SSL_set1_groups_list(p.client, "X448:X25519"), 1);
    come_to_it(&p);
    sign(&p);
    ck_assert(flow_has_output(&p.server.flow)); /* another hello is wanted */
    ck_assert_int_eq(SSL_do_handshake(p.client), -1);
    deliver(&p);
    come_to_it(&p);
    signing_begin(&g, &p.server);
    flow_feed(&p.server.flow, noise, sizeof noise);
    ck_assert_int_eq(flow_keep(&p.server.flow), 0);
    signing_run(&g);
    ck_assert(!flow_has_output(&p.server.flow));
    signing_end(&g);
    ck_assert(flow_has_output(&p.server.flow));
    ck_assert_uint_eq(flow_unread(&p.server.flow), sizeof noise);
    ck_assert_int_eq(session_shake(&p.server),
                     SESSION_FAILED); /* it is noise */
    leave_pair(&p);
}
END_TEST

/* Output that has not gone keeps its place in front. */
START_TEST(what_was_to_be_sent_goes_first)
{
    struct iovec iov[FLOW_BLOCKS];
    struct signing g;
    struct pair p;
    size_t first;

    show(rsa_only, offloads);
    open_pair(&p, NULL);
    ck_assert_int_eq(SSL_set1_groups_list(p.client, "X448:X25519"), 1);
    come_to_it(&p);
    signing_begin(&g, &p.server);
    signing_run(&g);
    signing_end(&g);
    ck_assert_uint_eq(flow_output(&p.server.flow, iov), 1);
    first = iov[0].iov_len;
    /* It is seen by the client, but not yet known to be sent. */
    BIO_write(p.to_client, iov[0].iov_base, (int)first);
    p.step = session_shake(&p.server);
    come_to_it(&p);
    sign(&p);
    ck_assert_uint_eq(flow_output(&p.server.flow, iov), 2);
    ck_assert_uint_eq(iov[0].iov_len, first);
    flow_sent(&p.server.flow, first);
    ck_assert(shake(&p));
    leave_pair(&p);
}
END_TEST

/* It may be given back before it has begun, and after it is over. */
START_TEST(it_may_end_at_any_point)
{
    struct signing g;
    struct pair p;

    show(rsa_only, offloads);
    open_pair(&p, NULL);
    come_to_it(&p);
    leave_pair(&p);

    open_pair(&p, NULL);
    come_to_it(&p);
    signing_begin(&g, &p.server);
    signing_end(&g);
    ck_assert_int_eq(session_shake(&p.server), SESSION_SIGNS);
    sign(&p);
    deliver(&p);
    ck_assert(shake(&p));
    leave_pair(&p);

    open_pair(&p, NULL);
    come_to_it(&p);
    signing_begin(&g, &p.server);
    context_drop(context); /* as after a reload: the session holds it */
    context = NULL;
    signing_run(&g);
    signing_end(&g);
    leave_pair(&p);
}
END_TEST

/* The reason is known here, and the client is told. */
START_TEST(one_that_fails_says_why)
{
    struct signing g;
    struct pair p;

    show(rsa_only, offloads);
    open_pair(&p, NULL);
    ck_assert_int_eq(SSL_set1_sigalgs_list(p.client, "ECDSA+SHA256"), 1);
    set_version(&p, TLS1_3_VERSION);
    come_to_it(&p);
    signing_begin(&g, &p.server);
    signing_run(&g);
    signing_end(&g);
    ck_assert_int_eq(session_shake(&p.server), SESSION_FAILED);
    ck_assert_str_ne(session_why(&p.server), "no reason is known");
    deliver(&p);
    ck_assert_int_eq(SSL_do_handshake(p.client), -1);
    ck_assert_int_eq(SSL_get_error(p.client, -1), SSL_ERROR_SSL);
    leave_pair(&p);
}
END_TEST

UNIT_MAIN_IN(pair_setup, teardown, signing, each_version_signs_elsewhere,
             who_does_not_ask_signs_here, a_session_that_goes_on_signs_nothing,
             of_several_keys_it_is_rsa_s, finite_fields_sign_elsewhere,
             a_second_hello_signs_elsewhere_too,
             early_data_is_taken_and_refused_as_ever,
             bytes_come_and_go_meanwhile, what_was_to_be_sent_goes_first,
             it_may_end_at_any_point, one_that_fails_says_why)
