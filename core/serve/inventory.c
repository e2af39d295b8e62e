/* SPDX-License-Identifier: BSD-2-Clause */
/* inventory.c - the plugins of a configuration in words; see inventory.h. */
#include "serve/inventory.h"

#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/option.h"
#include "http/metering.h"
#include "plug/image.h"
#include "plug/plugin.h"
#include "serve/sections.h"

#define CONTRACT_MAX 24

/* ---- entries -------------------------------------------------------------*/

/* Equal files at two places are one image, and two entries: each is a file to
 * compare with. */
static int
is_same(const struct section *a, const struct section *b)
{
    return a->plugin == b->plugin && strcmp(a->path, b->path) == 0;
}

/* Does no section before s belong to the same entry? */
static int
is_first(const struct section *sections, const struct section *s)
{
    for (const struct section *o = sections; o < s; o++) {
        if (is_same(o, s))
            return 0;
    }
    return 1;
}

struct step {
    const char *kind;
    const char *name; /* NULL: not declared */
};

#define STEPS 5

static const char *
name_of(const et_stepdef *def)
{
    return def ? def->name : NULL;
}

static void
steps_of(const struct plugin *p, struct step out[STEPS])
{
    out[0] = (struct step){"request", name_of(p->request)};
    out[1] = (struct step){"response", name_of(p->response)};
    out[2] = (struct step){"body", p->filter ? p->filter->name : NULL};
    out[3] = (struct step){"log", name_of(p->log)};
    out[4] = (struct step){"handler", name_of(p->handler)};
}

/* ---- JSON ----------------------------------------------------------------*/

/* "name":[...] of n items, item(out, plugin, i) each. */
static void
json_list(FILE *out, const char *name, const struct plugin *p, uint32_t n,
          void (*item)(FILE *out, const struct plugin *p, uint32_t i))
{
    fprintf(out, "\"%s\":[", name);
    for (uint32_t i = 0; i < n; i++) {
        fprintf(out, "%s", i ? "," : "");
        item(out, p, i);
    }
    fputc(']', out);
}

static void
json_route(FILE *out, const struct plugin *p, uint32_t i)
{
    const et_route *r = p->routes[i];

    fputc('{', out);
    json_member(out, "method", r->method);
    json_member(out, "path", r->path);
    json_member(out, "name", r->name);
    json_last(out, "doc", r->doc);
}

static void
json_option(FILE *out, const struct plugin *p, uint32_t i)
{
    const et_opt *o = option_row(p->options, i);

    fputc('{', out);
    json_member(out, "key", o->key);
    json_member(out, "type", option_type_name(o));
    json_member(out, "choices", o->choices);
    json_member(out, "default", o->dflt);
    fprintf(out, "\"required\":%s,\"secret\":%s,",
            o->flags & ET_O_REQUIRED ? "true" : "false",
            o->flags & ET_O_SECRET ? "true" : "false");
    json_last(out, "help", o->help);
}

static void
json_metric(FILE *out, const struct plugin *p, uint32_t i)
{
    const et_metricdef *m = p->metrics[i];

    fputc('{', out);
    json_member(out, "name", m->name);
    json_member(out, "kind", metering_kind_name(m->kind));
    json_member(out, "unit", m->unit);
    json_last(out, "help", m->help);
}

static void
json_command(FILE *out, const struct plugin *p, uint32_t i)
{
    const et_commanddef *c = p->commands[i];

    fputc('{', out);
    json_member(out, "name", c->name);
    json_last(out, "help", c->help);
}

static void
json_need(FILE *out, const struct plugin *p, uint32_t i)
{
    json_string(out, str_from_z(p->needs[i]->id));
}

static void
json_steps(FILE *out, const struct plugin *p)
{
    const char *comma = "";
    struct step steps[STEPS];

    steps_of(p, steps);
    fputs("\"steps\":{", out);
    for (size_t i = 0; i < STEPS; i++) {
        if (!steps[i].name)
            continue;
        fprintf(out, "%s\"%s\":", comma, steps[i].kind);
        json_string(out, str_from_z(steps[i].name));
        comma = ",";
    }
    fputs("},", out);
}

static void
json_declared(FILE *out, const struct plugin *p)
{
    json_steps(out, p);
    json_list(out, "routes", p, p->n_routes, json_route);
    fputc(',', out);
    json_list(out, "options", p, p->options ? p->options->n : 0, json_option);
    fputc(',', out);
    json_list(out, "metrics", p, p->n_metrics, json_metric);
    fputc(',', out);
    json_list(out, "commands", p, p->n_commands, json_command);
    fputc(',', out);
    json_list(out, "needs", p, p->n_needs, json_need);
}

static void
json_image(FILE *out, const struct image *img)
{
    json_member(out, "build_id", img->build_id);
    json_member(out, "sha256", img->hash_hex);
    fprintf(out, "\"contract\":{\"major\":%u,\"minor\":%u,\"rc\":%u},",
            img->note.major, img->note.minor, img->note.rc);
    fprintf(out, "\"may_unmap\":%s,", image_may_unmap(img) ? "true" : "false");
}

static void
json_sections(FILE *out, const struct section *first, size_t n)
{
    fputs("\"sections\":[", out);
    for (size_t i = 0; i < n; i++) {
        if (!is_same(first, &first[i]))
            continue;
        fprintf(out, "%s", i ? "," : "");
        json_string(out, first[i].conf->name);
    }
    fputs("],", out);
}

/* The entry of first, which n sections begin with. */
static void
json_entry(FILE *out, const struct section *first, size_t n)
{
    const struct plugin *p = first->plugin;

    fputc('{', out);
    json_sections(out, first, n);
    json_member(out, "module", first->path);
    json_member(out, "id", p->desc.id);
    json_member(out, "version", p->desc.version);
    json_member(out, "summary", p->desc.summary);
    json_member(out, "build", p->desc.build);
    json_image(out, p->image);
    json_declared(out, p);
    fputc('}', out);
}

/* ---- the table -----------------------------------------------------------*/

static void
text_sections(FILE *out, const struct section *first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_same(first, &first[i]))
            fprintf(out, "%s%s", i ? "," : "", first[i].conf->name.p);
    }
}

static void
text_declared(FILE *out, const struct plugin *p)
{
    const struct {
        uint32_t n;
        const char *what;
    } rows[] = {{p->n_routes, "routes"},
                {p->options ? p->options->n : 0, "options"},
                {p->n_metrics, "metrics"},
                {p->n_commands, "commands"},
                {p->n_needs, "needs"}};
    struct step steps[STEPS];

    steps_of(p, steps);
    for (size_t i = 0; i < STEPS; i++) {
        if (steps[i].name)
            fprintf(out, " %s", steps[i].kind);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].n > 0)
            fprintf(out, " %s=%u", rows[i].what, rows[i].n);
    }
}

/* A line each: they are there to be typed. */
static void
text_commands(FILE *out, const struct plugin *p)
{
    for (uint32_t i = 0; i < p->n_commands; i++)
        fprintf(out, "  command %-16s %s\n", p->commands[i]->name,
                p->commands[i]->help ? p->commands[i]->help : "");
}

#define COLUMNS "%-32s %-10s %-10s %-5s %-12.12s"

static void
text_entry(FILE *out, const struct section *first, size_t n)
{
    const struct plugin *p = first->plugin;
    const struct image *img = p->image;
    char contract[CONTRACT_MAX];

    snprintf(contract, sizeof contract, "%u.%u", img->note.major,
             img->note.minor);
    fprintf(out, COLUMNS " ", p->desc.id, p->desc.version, contract,
            image_may_unmap(img) ? "yes" : "no", img->hash_hex);
    text_sections(out, first, n);
    text_declared(out, p);
    fputc('\n', out);
    text_commands(out, p);
}

void
inventory_print(FILE *out, const struct section *sections, size_t n,
                int as_json)
{
    size_t n_shown = 0;

    if (as_json)
        fputs("[", out);
    else
        fprintf(out, COLUMNS " SECTIONS, DECLARES\n", "ID", "VERSION",
                "CONTRACT", "UNMAP", "SHA256");
    for (size_t i = 0; i < n; i++) {
        if (!sections[i].plugin) /* left out, which has been said */
            continue;
        if (!is_first(sections, &sections[i]))
            continue;
        if (as_json)
            fprintf(out, "%s\n", n_shown++ ? "," : "");
        (as_json ? json_entry : text_entry)(out, &sections[i], n - i);
    }
    if (as_json)
        fputs("\n]\n", out);
}
