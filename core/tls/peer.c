/* SPDX-License-Identifier: BSD-2-Clause */
/* peer.c - see peer.h. */
#include "tls/peer.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/sha256.h"
#include "tls/heap.h"

/* UTF-8 stays as it is; whatever could end or begin a part is escaped. */
#define NAME_FLAGS (XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB)

struct text {
    char p[PEER_TEXT_MAX];
    size_t n;
};

static void
write_subject(X509 *x, struct text *t)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *p;
    long n;

    t->n = 0;
    if (!bio)
        return;
    X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, NAME_FLAGS);
    n = BIO_get_mem_data(bio, &p);
    if (n > 0) {
        t->n = n < PEER_TEXT_MAX ? (size_t)n : PEER_TEXT_MAX;
        memcpy(t->p, p, t->n);
    }
    BIO_free(bio);
}

/* A name with a byte that could be taken for the begin of another is passed
 * over, and so is one that there is no room for. */
static void
add_name(struct text *t, const char *kind, const char *p, size_t n)
{
    int len;

    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == ',')
            return;
    if (n == 0 || t->n + n + 16 > sizeof t->p)
        return;
    len = snprintf(t->p + t->n, sizeof t->p - t->n, "%s%s:%.*s",
                   t->n ? ", " : "", kind, (int)n, p);
    t->n += (size_t)len;
}

static void
add_text(struct text *t, const char *kind, const ASN1_STRING *s)
{
    int n = ASN1_STRING_length(s);

    if (n > 0)
        add_name(t, kind, (const char *)ASN1_STRING_get0_data(s), (size_t)n);
}

static void
add_address(struct text *t, const ASN1_STRING *s)
{
    char text[INET6_ADDRSTRLEN];
    int n = ASN1_STRING_length(s);

    if ((n == 4 || n == 16) &&
        inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), text,
                  sizeof text))
        add_name(t, "IP", text, strlen(text));
}

static void
write_names(X509 *x, struct text *t)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

    t->n = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        switch (name->type) {
        case GEN_DNS: add_text(t, "DNS", name->d.dNSName); break;
        case GEN_EMAIL: add_text(t, "email", name->d.rfc822Name); break;
        case GEN_URI:
            add_text(t, "URI", name->d.uniformResourceIdentifier);
            break;
        case GEN_IPADD: add_address(t, name->d.iPAddress); break;
        default: break;
        }
    }
    GENERAL_NAMES_free(all);
}

static et_str
put(char **to, const char *p, size_t n)
{
    et_str s = {*to, n};

    memcpy(*to, p, n);
    *to += n;
    return s;
}

int
peer_init(struct peer *p, struct x509_st *x)
{
    struct text *texts = heap_take(2 * sizeof *texts);
    unsigned char digest[SHA256_LEN] = {0};
    char hex[SHA256_HEX_LEN + 1], *to;

    *p = (struct peer){0};
    if (!texts)
        return ERR_NOMEM;
    write_subject(x, &texts[0]);
    write_names(x, &texts[1]);
    X509_digest(x, EVP_sha256(), digest, NULL);
    sha256_hex(digest, hex);
    ERR_clear_error();
    to = p->memory = heap_take(texts[0].n + texts[1].n + SHA256_HEX_LEN);
    if (to) {
        p->subject = put(&to, texts[0].p, texts[0].n);
        p->names = put(&to, texts[1].p, texts[1].n);
        p->sha256 = put(&to, hex, SHA256_HEX_LEN);
    }
    heap_give(texts);
    return to ? 0 : ERR_NOMEM;
}

void
peer_fini(struct peer *p)
{
    heap_give(p->memory);
    *p = (struct peer){0};
}
