/* SPDX-License-Identifier: BSD-2-Clause */
/* certificates.c - see certificates.h. */
#include "serve/certificates.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/conf.h"
#include "serve/contexts.h"
#include "serve/sockets.h"
#include "tls/context.h"

#define CERTS_MAX 64 /* of a listener, that are told of */
#define DAY_S (24 * 60 * 60)

static uint32_t
read_certs(const struct context *c, struct context_cert certs[CERTS_MAX])
{
    uint32_t n = c ? context_certs(c, certs, CERTS_MAX) : 0;

    return n < CERTS_MAX ? n : CERTS_MAX;
}

/* "2026-11-29" */
static const char *
day(char out[CLOCK_TEXT_LEN], int64_t wall_s)
{
    clock_iso(out, wall_s, 0);
    out[10] = '\0';
    return out;
}

static long long
days_left(const struct context_cert *c)
{
    return (long long)(c->not_after - (int64_t)time(NULL)) / DAY_S;
}

/* ---- the log -------------------------------------------------------------*/

static int
has(const struct context_cert *certs, uint32_t n, const char *sha256)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(certs[i].sha256, sha256) == 0)
            return 1;
    }
    return 0;
}

void
certificates_log(const char *listener, const struct context *now,
                 const struct context *before)
{
    struct context_cert old[CERTS_MAX], certs[CERTS_MAX];
    uint32_t n_old = read_certs(before, old), n = read_certs(now, certs);
    char text[CLOCK_TEXT_LEN];

    for (uint32_t i = 0; i < n; i++) {
        if (!has(old, n_old, certs[i].sha256))
            log_info("%s shows a certificate for %s, %s, until %s, sha256 %s",
                     listener, certs[i].names, certs[i].kind,
                     day(text, certs[i].not_after), certs[i].sha256);
    }
    if (before && !now)
        log_info("%s speaks no TLS any more", listener);
}

/* ---- status --------------------------------------------------------------*/

static void
text_cert(FILE *out, const struct socket_entry *e, const struct context_cert *c)
{
    char text[CLOCK_TEXT_LEN];

    fprintf(out, "%-24s %-40s %-9s %-10s %5lld  %-4s  %-10s  %s\n", e->shown,
            c->names, c->kind, day(text, c->not_after), days_left(c),
            c->is_stapled ? "yes" : "no",
            context_ktls_text(context_ktls(e->env.context)), c->sha256);
}

static void
text_entry(FILE *out, const struct socket_entry *e)
{
    struct context_cert certs[CERTS_MAX];
    uint32_t n = read_certs(e->env.context, certs);

    for (uint32_t i = 0; i < n; i++)
        text_cert(out, e, &certs[i]);
    if (n == 0)
        fprintf(out, "%-24s -\n", e->shown);
}

void
certificates_text(FILE *out, const struct sockets *s)
{
    fprintf(out, "\n%-24s %-40s %-9s %-10s %5s  %-4s  %-10s  %s\n", "LISTENER",
            "CERTIFICATE", "KIND", "UNTIL", "DAYS", "OCSP", "KTLS", "SHA256");
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        if (s->v[i].n_fds > 0)
            text_entry(out, &s->v[i]);
    }
}

static void
json_cert(FILE *out, const struct context_cert *c)
{
    char text[CLOCK_TEXT_LEN];

    fputc('{', out);
    json_member(out, "names", c->names);
    json_member(out, "kind", c->kind);
    clock_iso(text, c->not_before, 0);
    json_member(out, "not_before", text);
    clock_iso(text, c->not_after, 0);
    json_member(out, "not_after", text);
    json_member(out, "sha256", c->sha256);
    fprintf(out, "\"days_left\":%lld,\"ocsp\":%s}", days_left(c),
            c->is_stapled ? "true" : "false");
}

static void
json_entry(FILE *out, const struct socket_entry *e)
{
    struct context_cert certs[CERTS_MAX];
    uint32_t n = read_certs(e->env.context, certs);

    fputc('{', out);
    json_member(out, "address", e->shown);
    if (e->env.context)
        json_member(out, "ktls",
                    context_ktls_text(context_ktls(e->env.context)));
    fprintf(out, "\"tls\":%s,\"certificates\":[",
            e->env.context ? "true" : "false");
    for (uint32_t i = 0; i < n; i++) {
        fputs(i ? "," : "", out);
        json_cert(out, &certs[i]);
    }
    fputs("]}", out);
}

void
certificates_json(FILE *out, const struct sockets *s)
{
    const char *comma = "";

    fputc('[', out);
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        if (s->v[i].n_fds == 0)
            continue;
        fputs(comma, out);
        json_entry(out, &s->v[i]);
        comma = ",";
    }
    fputc(']', out);
}

/* ---- figures -------------------------------------------------------------*/

/* In a label's quotes. */
static void
put_label(FILE *f, const char *text)
{
    for (; *text; text++)
        fputc(*text == '"' || *text == '\\' || *text == '\n' ? '_' : *text, f);
}

static void
put_listen(FILE *f, const struct conf_listen *l, const struct context *c)
{
    struct context_cert certs[CERTS_MAX];
    uint32_t n = read_certs(c, certs);

    for (uint32_t i = 0; i < n; i++) {
        fprintf(f,
                "etude_tls_certificate_not_after_seconds{listen=\"%.*s\","
                "names=\"",
                (int)l->name.n, l->name.p);
        put_label(f, certs[i].names);
        fprintf(f, "\",kind=\"%s\",sha256=\"%s\"} %lld\n", certs[i].kind,
                certs[i].sha256, (long long)certs[i].not_after);
    }
}

static void
put_ktls(FILE *f, const struct conf_listen *l, const struct context *c)
{
    enum context_ktls ktls = context_ktls(c);

    fprintf(f, "etude_tls_ktls{listen=\"%.*s\",state=\"%s\"} %d\n",
            (int)l->name.n, l->name.p, context_ktls_text(ktls),
            ktls == CONTEXT_KTLS_ON);
}

/* A section's addresses show the same. */
static void
put_listens(FILE *f, const struct conf *conf, const struct contexts *c,
            void (*put)(FILE *f, const struct conf_listen *l,
                        const struct context *c))
{
    const struct context *before = NULL;

    for (size_t i = 0; i < c->n; i++) {
        const struct context *this = c->v[i].context;
        if (this && this != before)
            put(f, &conf->listens[i], this);
        before = this;
    }
}

et_str
certificates_facts(struct arena *a, const struct conf *conf,
                   const struct contexts *c)
{
    static const char head[] =
        "# HELP etude_tls_certificate_not_after_seconds when a certificate "
        "ends, in seconds since 1970\n"
        "# TYPE etude_tls_certificate_not_after_seconds gauge\n";
    static const char ktls_head[] =
        "# HELP etude_tls_ktls whether the kernel makes the records of TLS\n"
        "# TYPE etude_tls_ktls gauge\n";
    et_str facts = {NULL, 0};
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    if (!f)
        return facts;
    fputs(head, f);
    put_listens(f, conf, c, put_listen);
    fputs(ktls_head, f);
    put_listens(f, conf, c, put_ktls);
    if (fclose(f) == 0 && n > sizeof head - 1 + sizeof ktls_head - 1)
        facts = arena_dup(a, (et_str){text, n});
    free(text);
    return facts;
}
