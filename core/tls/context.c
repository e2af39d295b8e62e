/* SPDX-License-Identifier: BSD-2-Clause */
/* context.c - see context.h: a context is put together here; how its SSL_CTXs
 * behave is site.c's. */
#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"
#include "tls/context_own.h"
#include "tls/heap.h"
#include "tls/site.h"
#include "tls/tickets.h"

int
context_is_built(void)
{
    return 1;
}

void
context_init(void)
{
    heap_install();
    /* Workers may still be in it when the process exits. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

/* ---- which certificates go together --------------------------------------*/

static int
is_covered(const struct cert *cert, et_str name)
{
    return !cert_has(cert, name) && cert_covers(cert, name);
}

/* Of each kind the first certificate that is so for name. */
static void
choose(const struct context *c, et_str name,
       int (*is_so)(const struct cert *cert, et_str name),
       uint32_t certs[CERT_KINDS])
{
    for (uint32_t kind = 0; kind < CERT_KINDS; kind++)
        certs[kind] = CONTEXT_NONE;
    for (uint32_t i = 0; i < c->n_shown; i++) {
        const struct cert *cert = &c->shown[i].cert;
        if (certs[cert->kind] == CONTEXT_NONE && is_so(cert, name))
            certs[cert->kind] = i;
    }
}

/* The site with the certificates of want, which may have to be made: its
 * index, or ERR_*. */
static int64_t
site_like(struct context *c, const struct context_site *want)
{
    struct context_site *sites;

    for (uint32_t i = 0; i < c->n_sites; i++)
        if (memcmp(c->sites[i].certs, want->certs, sizeof want->certs) == 0 &&
            memcmp(c->sites[i].wild, want->wild, sizeof want->wild) == 0)
            return i;
    sites = realloc(c->sites, (c->n_sites + 1) * sizeof *sites);
    if (!sites)
        return ERR_NOMEM;
    c->sites = sites;
    sites[c->n_sites] = *want;
    return c->n_sites++;
}

static struct context_site
blank_site(struct context *c)
{
    struct context_site site = {.context = c, .fallback = CONTEXT_NONE};

    for (uint32_t kind = 0; kind < CERT_KINDS; kind++)
        site.certs[kind] = site.wild[kind] = CONTEXT_NONE;
    return site;
}

static int64_t
site_for(struct context *c, et_str name)
{
    struct context_site site = blank_site(c);

    choose(c, name, cert_has, site.certs);
    choose(c, name, is_covered, site.wild);
    return site_like(c, &site);
}

/* Each site whose names wildcards cover has theirs as its fallback. */
static int
add_fallbacks(struct context *c)
{
    struct context_site site = blank_site(c), none = site;

    for (uint32_t i = 0, n = c->n_sites; i < n; i++) {
        int64_t fallback;
        if (memcmp(c->sites[i].wild, none.wild, sizeof none.wild) == 0)
            continue;
        memcpy(site.certs, c->sites[i].wild, sizeof site.certs);
        fallback = site_like(c, &site);
        if (fallback < 0)
            return (int)fallback;
        c->sites[i].fallback = (uint32_t)fallback;
    }
    return 0;
}

static int
add_names(struct context *c, uint32_t i)
{
    const struct cert *cert = &c->shown[i].cert;

    for (size_t k = 0; k < cert->n_names; k++) {
        int64_t site = site_for(c, cert->names[k]);
        int rc;
        if (site < 0)
            return (int)site;
        rc = domains_add(&c->domains, cert->names[k], (uint32_t)site);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Who names no host, or one that nobody knows, is shown the first certificate,
 * with those of other kinds for its first name. */
static int
add_first(struct context *c)
{
    const struct cert *first = &c->shown[0].cert;
    struct context_site site = blank_site(c);
    int64_t i;

    site.certs[first->kind] = 0;
    i = first->n_names ? site_for(c, first->names[0]) : site_like(c, &site);
    return i < 0 ? (int)i : 0;
}

static int
add_sites(struct context *c)
{
    int rc = add_first(c);

    for (uint32_t i = 0; rc == 0 && i < c->n_shown; i++)
        rc = add_names(c, i);
    if (rc == 0)
        rc = add_fallbacks(c);
    domains_seal(&c->domains);
    return rc;
}

/* ---- the pairs -----------------------------------------------------------*/

static void
fini_shown(struct context_shown *s)
{
    cert_fini(&s->cert);
    staple_fini(&s->staple);
}

/* All of them are judged, whatever is wrong with the first. */
static int
add_pairs(struct context *c, const struct context_spec *spec, struct diag *d)
{
    int64_t now_s = (int64_t)time(NULL);
    int rc = 0;

    c->shown = calloc(spec->n_pairs, sizeof *c->shown);
    if (!c->shown)
        return ERR_NOMEM;
    for (size_t i = 0; i < spec->n_pairs; i++) {
        struct context_shown *s = &c->shown[c->n_shown++];
        int this = cert_init(&s->cert, &spec->pairs[i], now_s, d);
        if (this == 0)
            this = staple_init(&s->staple, &spec->pairs[i], &s->cert, now_s, d);
        if (rc == 0)
            rc = this;
    }
    return rc;
}

/* ---- what nobody sees ----------------------------------------------------*/

static int
is_in_a_site(const struct context *c, uint32_t i)
{
    for (uint32_t k = 0; k < c->n_sites; k++) {
        if (c->sites[k].certs[c->shown[i].cert.kind] == i)
            return 1;
    }
    return 0;
}

/* One that is good may be of no effect, as others come before it: they may be
 * what it renews.  Where it stands that is said, and who is shown instead. */
static void
warn_unseen(const struct context *c, const struct context_spec *spec,
            struct diag *d)
{
    for (uint32_t i = 0; i < c->n_shown; i++) {
        const struct cert *cert = &c->shown[i].cert;
        uint32_t before[CERT_KINDS];
        et_str name;
        if (cert->n_names == 0 || is_in_a_site(c, i))
            continue;
        name = cert->names[0];
        choose(c, name, cert_has, before);
        diag_warn(d, &spec->pairs[i].at,
                  "%s: no client is shown this certificate: one with a key of "
                  "the same kind stands before it for each of its names "
                  "(%.*s: %s)",
                  spec->pairs[i].chain_path, (int)name.n, name.p,
                  spec->pairs[before[cert->kind]].chain_path);
    }
}

/* ---- life ----------------------------------------------------------------*/

/* A session is good for whoever asks the same of its clients: one that was
 * made where no certificate is wanted does not replace one. */
static void
set_sid(struct context *c, const struct context_spec *spec)
{
    uint8_t verify = (uint8_t)spec->verify;
    struct sha256 s;

    sha256_init(&s);
    sha256_add(&s, &verify, 1);
    sha256_add(&s, spec->client_ca.p ? spec->client_ca.p : "",
               spec->client_ca.n);
    sha256_end(&s, c->sid);
}

static struct context *
make(const struct context_spec *spec, struct diag *d)
{
    struct context *c = calloc(1, sizeof *c);
    uint32_t n_errors = d->n_errors;
    int rc;

    if (!c)
        return NULL;
    atomic_init(&c->n_refs, 1);
    domains_init(&c->domains);
    c->has_h2 = spec->has_h2;
    c->has_early_data = spec->has_early_data;
    c->has_offload = spec->has_offload;
    c->ktls = spec->ktls == CONTEXT_KTLS_ON && spec->has_early_data
                  ? CONTEXT_KTLS_EARLY_DATA
                  : spec->ktls;
    c->tickets = tickets_hold(spec->tickets);
    set_sid(c, spec);
    rc = add_pairs(c, spec, d);
    if (rc == 0)
        rc = add_sites(c);
    if (rc == 0)
        warn_unseen(c, spec, d);
    if (rc == 0)
        rc = site_open_all(c, spec, d);
    if (rc == 0 && d->n_errors == n_errors)
        return c;
    context_drop(c);
    return NULL;
}

struct context *
context_new(const struct context_spec *spec, struct diag *d)
{
    uint32_t n_errors = d->n_errors;
    struct context *c = make(spec, d);

    if (!c && d->n_errors == n_errors)
        diag_error(d, &spec->pairs[0].at, "%s: out of memory",
                   spec->pairs[0].chain_path);
    ERR_clear_error();
    return c;
}

struct context *
context_hold(struct context *c)
{
    atomic_fetch_add_explicit(&c->n_refs, 1, memory_order_relaxed);
    return c;
}

void
context_drop(struct context *c)
{
    if (!c ||
        atomic_fetch_sub_explicit(&c->n_refs, 1, memory_order_acq_rel) > 1)
        return;
    for (uint32_t i = 0; i < c->n_sites; i++)
        SSL_CTX_free(c->sites[i].ssl);
    for (uint32_t i = 0; i < c->n_shown; i++)
        fini_shown(&c->shown[i]);
    EVP_CIPHER_free(c->ticket_cipher);
    tickets_drop(c->tickets);
    domains_fini(&c->domains);
    free(c->sites);
    free(c->shown);
    free(c);
}

enum context_ktls
context_ktls(const struct context *c)
{
    return c->ktls;
}

const char *
context_ktls_text(enum context_ktls ktls)
{
    static const char *const texts[] = {
        [CONTEXT_KTLS_OFF] = "off",
        [CONTEXT_KTLS_ON] = "on",
        [CONTEXT_KTLS_NO_KERNEL] = "no kernel",
        [CONTEXT_KTLS_EARLY_DATA] = "early data",
    };

    return texts[ktls];
}

uint32_t
context_certs(const struct context *c, struct context_cert *out, uint32_t cap)
{
    for (uint32_t i = 0; i < c->n_shown && i < cap; i++) {
        cert_describe(&c->shown[i].cert, &out[i]);
        out[i].is_stapled = c->shown[i].staple.der.n > 0 &&
                            c->shown[i].staple.until_s > (int64_t)time(NULL);
    }
    return c->n_shown;
}

struct context_site *
context_site_of(struct ssl_st *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

int
context_site_covers(const struct context_site *site, et_str host)
{
    for (uint32_t kind = 0; kind < CERT_KINDS; kind++) {
        uint32_t i = site->certs[kind];
        if (i != CONTEXT_NONE &&
            cert_covers(&site->context->shown[i].cert, host))
            return 1;
    }
    return 0;
}
