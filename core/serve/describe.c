/* SPDX-License-Identifier: BSD-2-Clause */
/* describe.c - a generation in words; see describe.h. */
#include "serve/describe.h"

#include "base/json.h"
#include "base/str.h"
#include "conf/option.h"
#include "http/gen.h"
#include "plug/instance.h"
#include "plug/plugin.h"

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
