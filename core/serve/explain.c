/* SPDX-License-Identifier: BSD-2-Clause */
/* explain.c - see explain.h. */
#include "serve/explain.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "http/gen.h"
#include "http/router.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "proto/method.h"
#include "proto/uri.h"

#define SCRATCH_BYTES (1u << 20)

/* What has been found out. */
struct meeting {
    const char *url;
    et_req q;
    enum router_result result;
    struct router_match match;
    const struct route *route;
    const struct chain *chain;
};

/* ---- in words ------------------------------------------------------------*/

/* Whose step that is. */
static const struct chain_member *
member_of(const struct chain *c, uint32_t slot)
{
    return &c->members[c->member[slot]];
}

/* Is slot a response step that may have its body step see the body? */
static int
may_filter(const struct chain *c, uint32_t slot)
{
    return slot >= c->n_req && slot < (uint32_t)c->n_req + c->n_resp &&
           member_of(c, slot)->filter;
}

static void
print_steps(FILE *out, const char *title, const struct chain *c, uint32_t first,
            uint32_t n)
{
    fprintf(out, "%s\n", title);
    for (uint32_t i = 0; i < n; i++) {
        const char *needs = "";
        if (first == 0 && c->body[i])
            needs = "  (waits for the body)";
        else if (may_filter(c, first + i))
            needs = "  (may change the body)";
        fprintf(out, "  %2u  %s%s\n", i, member_of(c, first + i)->name, needs);
    }
}

static void
print_chain(FILE *out, const struct chain *c)
{
    print_steps(out, "req[]", c, 0, c->n_req);
    print_steps(out, "resp[]", c, c->n_req, c->n_resp);
    print_steps(out, "log[]", c, (uint32_t)c->n_req + c->n_resp, c->n_log);
    fputs("entry[]  steps entered -> first slot of resp[]\n", out);
    for (uint32_t i = 0; i <= c->n_req; i++)
        fprintf(out, "  %2u  %u\n", i, c->entry[i]);
}

static const char *
result_text(enum router_result result)
{
    switch (result) {
    case ROUTER_FOUND: return "found";
    case ROUTER_METHOD: return "405: the path exists, not with this method";
    case ROUTER_SLASH: return "not found, but with (without) a final slash";
    case ROUTER_NOT_FOUND: break;
    }
    return "404: nobody serves it";
}

static void
print_match(FILE *out, const struct route *r, const struct router_match *m)
{
    if (m->rule)
        fprintf(out, "route    %s  %s %s  (%s:%u)\n", r->name, r->methods,
                r->pattern, r->at.file ? r->at.file : "-", r->at.line);
    for (uint32_t i = 0; m->rule && i < m->n_values; i++)
        fprintf(out, "param    %.*s = %.*s\n", (int)m->rule->params[i].n,
                m->rule->params[i].p, (int)m->values[i].n, m->values[i].p);
}

static void
print_text(FILE *out, const struct meeting *m)
{
    const struct route *r = m->route;

    fprintf(out, "%.*s %s: %s\n", (int)m->q.method_s.n, m->q.method_s.p, m->url,
            result_text(m->result));
    print_match(out, r, &m->match);
    if (r->closed_why)
        fprintf(out, "503: %s is left out (required = no): %s\n", r->closed_by,
                r->closed_why);
    else if (r->closed_by)
        fprintf(out, "503: the build of %s is in quarantine\n", r->closed_by);
    print_chain(out, m->chain);
}

/* ---- as JSON -------------------------------------------------------------*/

static const char *
result_name(enum router_result result)
{
    switch (result) {
    case ROUTER_FOUND: return "found";
    case ROUTER_METHOD: return "method";
    case ROUTER_SLASH: return "slash";
    case ROUTER_NOT_FOUND: break;
    }
    return "not_found";
}

/* Of the function that a plugin has declared fn as. */
static const char *
step_name(const struct plugin *p, et_step fn)
{
    const et_stepdef *const defs[] = {p->request, p->response, p->log,
                                      p->handler};

    for (size_t i = 0; i < ARRAY_LEN(defs); i++) {
        if (defs[i] && defs[i]->fn == fn)
            return defs[i]->name;
    }
    for (uint32_t i = 0; i < p->n_routes; i++) {
        if (p->routes[i]->fn == fn)
            return p->routes[i]->name;
    }
    return "";
}

static void
json_step(FILE *out, const struct chain_member *m, et_step fn)
{
    const struct plugin *p = m->instance ? m->instance->plugin : NULL;

    json_member(out, "plugin", p ? p->desc.id : "");
    json_member(out, "instance", m->name);
    fputs("\"step\":", out);
    json_string(out, str_from_z(p ? step_name(p, fn) : ""));
}

static void
json_steps(FILE *out, const char *name, const struct chain *c, uint32_t first,
           uint32_t n)
{
    fprintf(out, ",\"%s\":[", name);
    for (uint32_t i = 0; i < n; i++) {
        fputs(i ? ",{" : "{", out);
        /* The three arrays of a chain are one block. */
        json_step(out, member_of(c, first + i), c->req[first + i].fn);
        if (first == 0)
            fprintf(out, ",\"waits_for_body\":%s",
                    c->body[i] ? "true" : "false");
        if (first == c->n_req && c->n_resp > 0)
            fprintf(out, ",\"may_change_body\":%s",
                    may_filter(c, first + i) ? "true" : "false");
        fputc('}', out);
    }
    fputc(']', out);
}

static void
json_chain(FILE *out, const struct chain *c)
{
    json_steps(out, "req", c, 0, c->n_req);
    json_steps(out, "resp", c, c->n_req, c->n_resp);
    json_steps(out, "log", c, (uint32_t)c->n_req + c->n_resp, c->n_log);
    fputs(",\"entry\":", out);
    for (uint32_t i = 0; i <= c->n_req; i++)
        fprintf(out, "%c%u", i ? ',' : '[', c->entry[i]);
    fputc(']', out);
}

static void
json_match(FILE *out, const struct route *r, const struct router_match *m)
{
    fputs("\"route\":", out);
    if (m->rule) {
        fputc('{', out);
        json_member(out, "name", r->name);
        json_member(out, "methods", r->methods);
        json_member(out, "pattern", r->pattern);
        json_member(out, "file", r->at.file);
        fprintf(out, "\"line\":%u}", r->at.line);
    } else {
        fputs("null", out);
    }
    fputs(",\"params\":{", out);
    for (uint32_t i = 0; m->rule && i < m->n_values; i++) {
        fputs(i ? "," : "", out);
        json_string(out, m->rule->params[i]);
        fputc(':', out);
        json_string(out, m->values[i]);
    }
    fputc('}', out);
}

static void
print_json(FILE *out, const struct meeting *m)
{
    fputs("{\"method\":", out);
    json_string(out, m->q.method_s);
    fputc(',', out);
    json_member(out, "path", m->url);
    json_member(out, "result", result_name(m->result));
    if (m->route->closed_by)
        json_member(out, "quarantined", m->route->closed_by);
    if (m->route->closed_why)
        json_member(out, "quarantined_why", m->route->closed_why);
    json_match(out, m->route, &m->match);
    json_chain(out, m->chain);
    fputs("}\n", out);
}

/* ---- what it meets -------------------------------------------------------*/

/* "//host/path" and "/path" into q; false for anything else. */
static int
split_url(const char *url, et_req *q, char *path)
{
    const char *slash = url;
    size_t n;

    if (url[0] != '/')
        return 0;
    if (url[1] == '/') {
        slash = strchr(url + 2, '/');
        if (!slash)
            return 0;
        q->host = (et_str){url + 2, (size_t)(slash - url - 2)};
    }
    n = strcspn(slash, "?");
    if (uri_normalise((et_str){slash, n}, path, &n) < 0)
        return 0;
    q->path = (et_str){path, n};
    return 1;
}

/* All of it is in w's arena. */
static int
meet(struct meeting *m, struct gen_worker *w)
{
    const struct router *router = w->gen->router;
    char *path = arena_alloc(&w->arena, strlen(m->url) + 1);

    m->match.values = arena_alloc(&w->arena, (router_max_params(router) + 1) *
                                                 sizeof *m->match.values);
    if (!path || !m->match.values)
        return ERR_NOMEM;
    if (!split_url(m->url, &m->q, path))
        return ERR_INVALID;
    m->q.method = method_parse(m->q.method_s);
    m->result = router_find(router, &m->q, &m->match);
    m->route = m->match.target;
    m->chain = gen_compose(w, m->route);
    return m->chain ? 0 : ERR_NOMEM;
}

int
explain_path(FILE *out, struct gen *g, const char *method, const char *url,
             int as_json)
{
    et_worker worker = {.n_workers = 1};
    struct gen_worker w = {.gen = g, .worker = &worker};
    struct meeting m = {.url = url,
                        .q.method_s = str_from_z(method ? method : "GET")};
    int rc;

    arena_init(&w.arena, NULL, 0, NULL, SCRATCH_BYTES);
    rc = meet(&m, &w);
    if (rc == 0)
        (as_json ? print_json : print_text)(out, &m);
    arena_reset(&w.arena);
    return rc;
}
