/* SPDX-License-Identifier: BSD-2-Clause */
/* cert_names.c - see cert_names.h. */
#include "tls/cert_names.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static int
is_host(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == ',' || p[i] == '/')
            return 0;
    return n > 0;
}

static int
tell_host(const ASN1_STRING *s, cert_names_fn *fn, void *ctx)
{
    const unsigned char *p = ASN1_STRING_get0_data(s);
    int n = ASN1_STRING_length(s);

    if (n <= 0 || !is_host(p, (size_t)n))
        return 0;
    return fn(ctx, (const char *)p, (size_t)n);
}

static int
tell_address(const ASN1_STRING *s, cert_names_fn *fn, void *ctx)
{
    const unsigned char *p = ASN1_STRING_get0_data(s);
    int n = ASN1_STRING_length(s), len;
    char text[INET6_ADDRSTRLEN], uri[INET6_ADDRSTRLEN + 2];

    if ((n != 4 && n != 16) ||
        !inet_ntop(n == 4 ? AF_INET : AF_INET6, p, text, sizeof text))
        return 0;
    len = snprintf(uri, sizeof uri, n == 4 ? "%s" : "[%s]", text);
    return fn(ctx, uri, (size_t)len);
}

static int
tell_common_name(X509 *x, cert_names_fn *fn, void *ctx)
{
    const X509_NAME *subject = X509_get_subject_name(x);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    if (at < 0)
        return 0;
    return tell_host(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)),
                     fn, ctx);
}

int
cert_names_each(struct x509_st *x, cert_names_fn *fn, void *ctx)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    int rc = 0, n_told = 0;

    for (int i = 0; rc >= 0 && i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        if (name->type == GEN_DNS)
            rc = tell_host(name->d.dNSName, fn, ctx);
        else if (name->type == GEN_IPADD)
            rc = tell_address(name->d.iPAddress, fn, ctx);
        else
            continue;
        n_told++;
    }
    GENERAL_NAMES_free(all);
    if (rc >= 0 && n_told == 0)
        rc = tell_common_name(x, fn, ctx);
    return rc < 0 ? rc : 0;
}
