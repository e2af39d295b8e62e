/* SPDX-License-Identifier: BSD-2-Clause */
/* describe.c - a generation in words; see describe.h. */
#include "serve/describe.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "conf/option.h"
#include "http/gen.h"
#include "http/router.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "proto/method.h"
#include "proto/uri.h"

/* ---- JSON -----------------------------------------------------------------*/

static void
json_options(FILE *out, struct arena *a, const struct instance *i)
{
    const et_optdef *def = i ? i->plugin->options : NULL;

    fputs("\"options\":{", out);
    for (uint32_t k = 0; def && k < def->n; k++) {
        fprintf(out, "%s", k ? "," : "");
        json_string(out, str_from_z(option_row(def, k)->key));
        fputc(':', out);
        json_string(out, i->secrets && !i->secrets[k]
                             ? option_text(a, def, k, i->options)
                             : str_from_z("***"));
    }
    fputc('}', out);
}

static void
json_use(FILE *out, const struct route *r)
{
    fputs("\"use\":[", out);
    for (uint32_t i = 0; i < r->n_use; i++) {
        fprintf(out, "%s", i ? "," : "");
        json_string(out, str_from_z(r->use[i]->name));
    }
    fputs("],", out);
}

static void
json_hosts(FILE *out, const struct route *r)
{
    fputs("\"hosts\":[", out);
    for (size_t i = 0; i < r->hosts.n; i++) {
        fprintf(out, "%s", i ? "," : "");
        json_string(out, r->hosts.v[i]);
    }
    fputs("],", out);
}

static void
json_route(FILE *out, struct arena *a, const struct route *r)
{
    fputc('{', out);
    json_member(out, "method", r->methods);
    json_member(out, "path", r->pattern);
    json_hosts(out, r);
    json_member(out, "name", r->name);
    json_member(out, "doc", r->doc);
    json_member(out, "plugin", r->handler ? r->handler->plugin->desc.id : "");
    json_member(out, "handler", r->handler ? r->handler->name : "");
    if (r->closed_by)
        json_member(out, "quarantined", r->closed_by);
    if (r->closed_why)
        json_member(out, "quarantined_why", r->closed_why);
    json_use(out, r);
    json_options(out, a, r->handler);
    fputc('}', out);
}

/* ---- routes --------------------------------------------------------------*/

/* host absent: any; else in front of the path, as --explain takes it. */
static void
text_route(FILE *out, const struct route *r, et_str host)
{
    int n;

    fprintf(out, "%-12s ", r->methods);
    n = host.p ? fprintf(out, "//%.*s", (int)host.n, host.p) : 0;
    fprintf(out, "%-*s %-16s %-16s %s\n", n < 32 ? 32 - n : 0, r->pattern,
            r->name, r->handler ? r->handler->name : "-", r->doc ? r->doc : "");
}

static void
text_routes(FILE *out, const struct route *r)
{
    if (r->hosts.n == 0)
        text_route(out, r, (et_str){NULL, 0});
    for (size_t i = 0; i < r->hosts.n; i++)
        text_route(out, r, r->hosts.v[i]);
}

void
describe_routes(FILE *out, const struct gen *g, struct arena *a, int as_json)
{
    uint32_t n = 0;

    if (as_json)
        fputs("[", out);
    else
        fprintf(out, "%-12s %-32s %-16s %-16s %s\n", "METHOD", "PATH", "NAME",
                "HANDLER", "DOC");
    for (uint32_t i = 0; i < g->n_routes; i++) {
        const struct route *r = g->routes[i];
        if (r->kind != ROUTE_SERVE)
            continue;
        if (as_json)
            fprintf(out, "%s\n", n++ ? "," : "");
        if (as_json)
            json_route(out, a, r);
        else
            text_routes(out, r);
    }
    if (as_json)
        fputs("\n]\n", out);
}

/* ---- one path ------------------------------------------------------------*/

static void
print_steps(FILE *out, const char *title, const struct chain *c, uint32_t first,
            uint32_t n)
{
    fprintf(out, "%s\n", title);
    for (uint32_t i = 0; i < n; i++) {
        const char *needs = "";
        if (first == 0 && c->body[i])
            needs = "  (waits for the body)";
        fprintf(out, "  %2u  %s%s\n", i, c->members[c->member[first + i]].name,
                needs);
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

int
describe_path(FILE *out, struct gen *g, struct arena *a, const char *method,
              const char *url)
{
    et_worker worker = {.n_workers = 1};
    struct gen_worker w = {.gen = g, .worker = &worker};
    struct router_match m = {0};
    et_req q = {.method_s = str_from_z(method ? method : "GET")};
    char *path = arena_alloc(a, strlen(url) + 1);
    const struct route *r;
    struct chain *c;

    m.values =
        arena_alloc(a, (router_max_params(g->router) + 1) * sizeof *m.values);
    if (!path || !m.values || !split_url(url, &q, path))
        return ERR_INVALID;
    q.method = method_parse(q.method_s);
    fprintf(out, "%.*s %s: %s\n", (int)q.method_s.n, q.method_s.p, url,
            result_text(router_find(g->router, &q, &m)));
    r = m.target;
    print_match(out, r, &m);
    if (r->closed_why)
        fprintf(out, "503: %s is left out (required = no): %s\n", r->closed_by,
                r->closed_why);
    else if (r->closed_by)
        fprintf(out, "503: the build of %s is in quarantine\n", r->closed_by);
    arena_init(&w.arena, NULL, 0, NULL, 1 << 20);
    c = gen_compose(&w, r);
    if (c)
        print_chain(out, c);
    arena_reset(&w.arena);
    return 0;
}
