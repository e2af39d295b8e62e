/* SPDX-License-Identifier: BSD-2-Clause */
/* peer.c - who a certificate says that it is, whatever stands in it. */
/* tags: asan */
#include "tls/peer.h"

#include "t/lib/unit.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/str.h"
#include "tls/context.h"

static X509 *
make(const char *common_name, const char *names)
{
    X509 *x = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_NAME *subject = X509_get_subject_name(x);

    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                               (const unsigned char *)"Example", -1, -1, 0);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               (const unsigned char *)common_name, -1, -1, 0);
    X509_set_pubkey(x, key);
    if (names) {
        X509_EXTENSION *ext =
            X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
        ck_assert_ptr_nonnull(ext);
        X509_add_ext(x, ext, -1);
        X509_EXTENSION_free(ext);
    }
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    EVP_PKEY_free(key);
    return x;
}

static void
is(et_str s, const char *text)
{
    ck_assert_msg(str_eq(s, str_from_z(text)), "\"%.*s\", not \"%s\"", (int)s.n,
                  s.p ? s.p : "", text);
}

START_TEST(its_names)
{
    X509 *x = make("alice", "DNS:a.example,email:a@b.example,"
                            "URI:spiffe://c/d,IP:192.0.2.1,IP:2001:db8::1");
    struct peer p;

    context_init();
    ck_assert_int_eq(peer_init(&p, x), 0);
    is(p.subject, "CN=alice,O=Example");
    is(p.names, "DNS:a.example, email:a@b.example, URI:spiffe://c/d, "
                "IP:192.0.2.1, IP:2001:db8::1");
    ck_assert_uint_eq(p.sha256.n, 64);
    peer_fini(&p);
    peer_fini(&p);
    X509_free(x);
}
END_TEST

START_TEST(none_but_a_subject)
{
    X509 *x = make("bob", NULL);
    struct peer p;

    ck_assert_int_eq(peer_init(&p, x), 0);
    is(p.subject, "CN=bob,O=Example");
    is(p.names, "");
    peer_fini(&p);
    X509_free(x);
}
END_TEST

/* Nothing in it passes for something else, or for the end of a line. */
START_TEST(what_stands_in_it_stays_what_it_is)
{
    X509 *x = make("eve,CN=alice\r\nX: y", "URI:a b,DNS:good.example");
    struct peer p;

    ck_assert_int_eq(peer_init(&p, x), 0);
    is(p.subject, "CN=eve\\,CN=alice\\0D\\0AX: y,O=Example");
    is(p.names, "DNS:good.example");
    peer_fini(&p);
    X509_free(x);
}
END_TEST

START_TEST(what_is_too_long_is_cut)
{
    static char names[20000];
    struct peer p;
    X509 *x;

    for (int i = 0; i < 300; i++)
        sprintf(names + strlen(names), "%sDNS:host%d.a.very.long.example",
                i ? "," : "", i);
    x = make("carol", names);
    ck_assert_int_eq(peer_init(&p, x), 0);
    ck_assert_uint_le(p.names.n, PEER_TEXT_MAX);
    ck_assert_uint_gt(p.names.n, PEER_TEXT_MAX - 100);
    peer_fini(&p);
    X509_free(x);
}
END_TEST

UNIT_MAIN(peer, its_names, none_but_a_subject,
          what_stands_in_it_stays_what_it_is, what_is_too_long_is_cut)
