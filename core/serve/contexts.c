/* SPDX-License-Identifier: BSD-2-Clause */
/* contexts.c - see contexts.h. */
#include "serve/contexts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/bundle.h"
#include "conf/bundle_paper.h"
#include "conf/conf.h"
#include "conn/h2.h"
#include "os/ktls.h"
#include "tls/context.h"
#include "tls/tickets.h"

#define CERTS_MAX 64 /* of a listener, that are told of */
#define DAY_S (24 * 60 * 60)
#define SOON_DAYS 14 /* before its end somebody should know */
#define SEED 0       /* hashes of what is no secret, compared in this process */

struct maker {
    const struct conf *conf;
    struct contexts_kept *kept;
    struct tickets *tickets; /* of these contexts */
    struct diag *diag;
};

static et_str
text_of(const struct bundle_paper *p)
{
    return p && p->text ? (et_str){p->text, p->n} : (et_str){NULL, 0};
}

static const struct bundle_paper *
find(const struct maker *m, et_str path)
{
    return path.n ? bundle_paper_find(m->conf->bundle, path) : NULL;
}

/* ---- what is to be shown -------------------------------------------------*/

static void
set_pair(const struct maker *m, const struct conf_pair *p,
         struct context_pair *out)
{
    *out = (struct context_pair){
        .chain = text_of(find(m, p->certificate)),
        .key = text_of(find(m, p->key)),
        .chain_path = p->certificate.p,
        .key_path = p->key.p,
        .ocsp = text_of(find(m, p->ocsp)),
        .ocsp_path = p->ocsp.p,
        .at = p->at,
    };
}

/* The certificate of tls.self_signed, the first time it is asked for. */
static int
make_self(const struct maker *m, const struct conf_listen *l)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
    int rc;

    if (m->kept->has_self)
        return 0;
    rc = cert_self_signed(names, ARRAY_LEN(names), &m->kept->self);
    m->kept->has_self = rc == 0;
    if (rc < 0)
        diag_error(m->diag, &l->self_signed_at,
                   "[listen %.*s] tls.self_signed: a certificate cannot be "
                   "made: %s",
                   (int)l->name.n, l->name.p, err_text(rc));
    return rc;
}

static void
set_self(const struct maker *m, const struct conf_listen *l,
         struct context_pair *out)
{
    const struct cert_self_texts *self = &m->kept->self;

    *out = (struct context_pair){
        .chain = {self->chain, strlen(self->chain)},
        .key = {self->key, strlen(self->key)},
        .chain_path = "tls.self_signed",
        .key_path = "tls.self_signed",
        .at = l->self_signed_at,
    };
}

/* ---- what is told of it --------------------------------------------------*/

static int64_t
now_s(void)
{
    return (int64_t)time(NULL);
}

/* "2026-11-29" */
static const char *
day(char out[CLOCK_TEXT_LEN], int64_t wall_s)
{
    clock_iso(out, wall_s, 0);
    out[10] = '\0';
    return out;
}

static void
warn_soon(const struct maker *m, const struct conf_listen *l,
          const struct context *c)
{
    struct context_cert certs[CERTS_MAX];
    uint32_t n = context_certs(c, certs, CERTS_MAX);
    char text[CLOCK_TEXT_LEN];

    for (uint32_t i = 0; i < n && i < CERTS_MAX && i < l->n_pairs; i++) {
        int64_t left_s = certs[i].not_after - now_s();
        if (left_s < (int64_t)SOON_DAYS * DAY_S)
            diag_warn(m->diag, &l->pairs[i].at,
                      "[listen %.*s] tls.certificate: %s (%s) ends in %lld "
                      "days, on %s",
                      (int)l->name.n, l->name.p, l->pairs[i].certificate.p,
                      certs[i].names, (long long)(left_s / DAY_S),
                      day(text, certs[i].not_after));
    }
}

/* ---- all of them ---------------------------------------------------------*/

/* Every file that l names is there: else that was said. */
static int
is_whole(const struct maker *m, const struct conf_listen *l)
{
    for (size_t i = 0; i < l->n_pairs; i++) {
        const struct conf_pair *p = &l->pairs[i];
        const struct bundle_paper *key = find(m, p->key);
        if (!text_of(find(m, p->certificate)).p || !text_of(key).p ||
            (p->key.p == p->certificate.p && !bundle_paper_has_key(key)) ||
            (p->ocsp.n && !text_of(find(m, p->ocsp)).p))
            return 0;
    }
    return !l->tls_client_ca.n || text_of(find(m, l->tls_client_ca)).p;
}

static uint64_t
add(uint64_t rules, const void *p, size_t n)
{
    return hash_bytes(p, n, rules);
}

static uint64_t
add_paper(const struct maker *m, uint64_t rules, et_str path)
{
    const struct bundle_paper *p = find(m, path);

    return p ? add(rules, p->sha256, sizeof p->sha256) : add(rules, "", 1);
}

/* Two listeners of the same rules behave the same, whatever their addresses. */
static uint64_t
rules_of(const struct maker *m, const struct conf_listen *l)
{
    const int64_t numbers[] = {l->tls_profile,          l->tls_self_signed,
                               l->tls_client,           l->tls_early_data,
                               l->tls_offload,          l->h2,
                               m->conf->server.tls_ktls};
    uint64_t rules = add(SEED, numbers, sizeof numbers);

    for (size_t i = 0; i < l->n_pairs; i++) {
        rules = add_paper(m, rules, l->pairs[i].certificate);
        rules = add_paper(m, rules, l->pairs[i].key);
        rules = add_paper(m, rules, l->pairs[i].ocsp);
    }
    rules = add_paper(m, rules, l->tls_client_ca);
    return add_paper(m, rules, m->conf->server.tls_ticket_keys);
}

/* Whether the kernel can make the records: asked once, told once.  ENOENT: they
 * are not in it; a module it loads by itself for CAP_NET_ADMIN only. */
static enum context_ktls
ask_kernel(void)
{
    static int rc = 1;

    if (rc > 0) {
        rc = ktls_probe();
        if (rc == 0)
            log_info("tls.ktls: the kernel makes the records of TLS");
        else
            log_info("tls.ktls: not by this kernel: %s%s", strerror(-rc),
                     rc == -ENOENT ? " (modprobe tls)" : "");
    }
    return rc == 0 ? CONTEXT_KTLS_ON : CONTEXT_KTLS_NO_KERNEL;
}

static struct context *
make_context(const struct maker *m, const struct conf_listen *l,
             const struct context_pair *pairs, size_t n)
{
    const struct context_spec spec = {
        .pairs = pairs,
        .n_pairs = n,
        .profile = (enum context_profile)l->tls_profile,
        .verify = l->tls_client_ca.n /* else that has been complained of */
                      ? (enum context_verify)l->tls_client
                      : CONTEXT_NO_CLIENTS,
        .client_ca = text_of(find(m, l->tls_client_ca)),
        .client_ca_path = l->tls_client_ca.p,
        .client_ca_at = l->client_ca_at,
        .has_h2 = l->h2 && h2_is_built(),
        .has_early_data = (uint8_t)l->tls_early_data,
        .ktls = m->conf->server.tls_ktls == CONF_KTLS_AUTO ? ask_kernel()
                                                           : CONTEXT_KTLS_OFF,
        .has_offload = l->tls_offload == CONF_OFFLOAD_RSA,
        .tickets = m->tickets,
    };

    return context_new(&spec, m->diag);
}

/* The context of l, or NULL and it has been said why. */
static struct context *
make_one(const struct maker *m, const struct conf_listen *l)
{
    struct context_pair *pairs = calloc(l->n_pairs + 1, sizeof *pairs);
    size_t n = l->n_pairs;
    struct context *c;

    if (!pairs) {
        diag_error(m->diag, NULL, "%s", err_text(ERR_NOMEM));
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        set_pair(m, &l->pairs[i], &pairs[i]);
    if (l->tls_self_signed != CONF_SELF_SIGNED_NO) {
        if (make_self(m, l) < 0) {
            free(pairs);
            return NULL;
        }
        set_self(m, l, &pairs[n++]);
    }
    c = make_context(m, l, pairs, n);
    free(pairs);
    if (c)
        warn_soon(m, l, c);
    return c;
}

/* Listener i is another address of the same section as the one before it. */
static int
is_of_section_before(const struct maker *m, size_t i)
{
    const struct conf_listen *all = m->conf->listens;

    return i > 0 && all[i - 1].pairs == all[i].pairs;
}

static struct context *
find_made(const struct maker *m, const struct contexts *c, size_t i)
{
    return is_of_section_before(m, i) ? c->v[i - 1].context : NULL;
}

/* Refused, and not served as something else. */
static void
refuse(const struct maker *m, const struct conf_listen *l)
{
    int is_self = l->tls_self_signed != CONF_SELF_SIGNED_NO;

    diag_error(m->diag, is_self ? &l->self_signed_at : &l->pairs[0].at,
               "[listen %.*s] %s: this server is built without TLS",
               (int)l->name.n, l->name.p,
               is_self ? "tls.self_signed" : "tls.certificate");
}

static void
make_row(const struct maker *m, struct contexts *c, size_t i)
{
    const struct conf_listen *l = &m->conf->listens[i];
    struct context *made = find_made(m, c, i);

    if (!conf_listen_is_secure(l) || !is_whole(m, l))
        return;
    if (!context_is_built()) {
        if (!is_of_section_before(m, i))
            refuse(m, l);
        return;
    }
    c->v[i].context = made ? context_hold(made) : make_one(m, l);
    c->v[i].rules = rules_of(m, l);
}

/* Those of the file, or the process's own. */
static struct tickets *
find_tickets(const struct maker *m)
{
    et_str path = m->conf->server.tls_ticket_keys;
    struct place at = conf_place(m->conf, &m->conf->server.tls_ticket_keys);
    et_str bytes = text_of(find(m, path));

    if (path.n)
        return bytes.p ? tickets_from_file(bytes, path.p, &at, m->diag) : NULL;
    return m->kept->tickets ? tickets_hold(m->kept->tickets) : NULL;
}

int
contexts_make(struct contexts *out, const struct conf *conf,
              struct contexts_kept *kept, struct diag *d)
{
    struct maker m = {.conf = conf, .kept = kept, .diag = d};
    uint32_t n_errors = d->n_errors;

    *out = (struct contexts){.n = conf->n_listens};
    out->v = calloc(conf->n_listens + 1, sizeof *out->v);
    if (!out->v) {
        diag_error(d, NULL, "%s", err_text(ERR_NOMEM));
        return ERR_NOMEM;
    }
    m.tickets = find_tickets(&m);
    for (size_t i = 0; i < conf->n_listens; i++)
        make_row(&m, out, i);
    tickets_drop(m.tickets);
    if (d->n_errors == n_errors)
        return 0;
    contexts_free(out);
    return ERR_INVALID;
}

struct contexts_row
contexts_find(const struct contexts *c, const struct conf *conf,
              const struct conf_listen *l)
{
    size_t i = (size_t)(l - conf->listens);

    return i < c->n ? c->v[i] : (struct contexts_row){NULL, 0};
}

void
contexts_free(struct contexts *c)
{
    for (size_t i = 0; i < c->n; i++)
        context_drop(c->v[i].context);
    free(c->v);
    *c = (struct contexts){0};
}

void
contexts_forget(struct contexts_kept *kept)
{
    tickets_drop(kept->tickets);
    explicit_bzero(kept, sizeof *kept);
}
