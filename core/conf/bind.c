/* SPDX-License-Identifier: BSD-2-Clause */
/* bind.c - see bind.h. */
#include "conf/bind.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/describe.h"
#include "conf/directive.h"
#include "conf/section.h"
#include "conf/value.h"

static void
complain(struct bind *x, const struct section_entry *e, const char *why)
{
    diag_error(x->d, &e->at, "%s %.*s: %s", x->s->title, (int)e->key.n,
               e->key.p, why);
}

/* ---- match and handler ----------------------------------------------------*/

/* Methods are tokens in upper case with commas between them, or one '*'. */
static int
is_methods(et_str s)
{
    et_str item = {NULL, 0};
    size_t i;

    if (value_eq(s, "*"))
        return 1;
    while (value_next(&s, &item)) {
        for (i = 0; i < item.n; i++)
            if ((item.p[i] < 'A' || item.p[i] > 'Z') && item.p[i] != '-')
                return 0;
        if (item.n == 0)
            return 0;
    }
    return item.p != NULL;
}

/* "GET,POST /path" or, in a scope, "/path". */
static int
parse_match(et_str s, int has_methods, struct conf_match *out)
{
    size_t blank;

    *out = (struct conf_match){{"", 0}, s, {NULL, 0}};
    if (has_methods) {
        for (blank = s.n;
             blank && s.p[blank - 1] != ' ' && s.p[blank - 1] != '\t'; blank--)
            ;
        out->path = (et_str){s.p + blank, s.n - blank};
        out->methods = str_trim((et_str){s.p, blank});
        if (!is_methods(out->methods))
            return ERR_INVALID;
    }
    if (out->path.n == 0 || out->path.p[0] != '/')
        return ERR_INVALID;
    for (blank = 0; blank < out->path.n; blank++)
        if (out->path.p[blank] == ' ' || out->path.p[blank] == '\t')
            return ERR_INVALID;
    return 0;
}

static int
add_match(struct bind *x, const struct directive *row,
          const struct section_entry *e)
{
    struct conf_matches *m = x->match;
    size_t n = m->n;
    struct conf_match *v = (struct conf_match *)(uintptr_t)m->v;

    if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) { /* the array is full */
        v = arena_alloc(x->a, (n ? 2 * n : 4) * sizeof(*v));
        if (!v)
            return ERR_NOMEM;
        if (n)
            memcpy(v, m->v, n * sizeof(*v));
        m->v = v;
    }
    if (parse_match(e->value, row->spec.type == VALUE_MATCH, &v[n]))
        return ERR_INVALID;
    v[n].methods = arena_dup(x->a, v[n].methods);
    if (!v[n].methods.p)
        return ERR_NOMEM;
    v[n].at = e->at;
    m->n = n + 1;
    return 0;
}

/* "users" or "users:list". */
static int
set_handler(struct bind *x, const struct section_entry *e)
{
    const char *colon = e->value.n ? memchr(e->value.p, ':', e->value.n) : NULL;
    et_str name = e->value, route = {NULL, 0};

    if (colon) {
        name.n = (size_t)(colon - name.p);
        route = (et_str){colon + 1, e->value.n - name.n - 1};
        if (!value_is_name(route))
            return ERR_INVALID;
    }
    if (!value_is_name(name))
        return ERR_INVALID;
    x->route->handler = arena_dup(x->a, name);
    x->route->handler_route = route;
    return x->route->handler.p ? 0 : ERR_NOMEM;
}

/* ---- keys -----------------------------------------------------------------*/

static void
unknown_key(struct bind *x, const struct section_entry *e)
{
    const char *near = directive_nearest(x->s->kind, e->key);
    char why[160];

    if (x->s->kind == DIRECTIVE_SERVER &&
        directive_find(DIRECTIVE_LISTEN, e->key)) {
        complain(x, e,
                 "it belongs to a [listen NAME]: what listen of [server] names "
                 "is plain HTTP");
        return;
    }
    snprintf(why, sizeof(why), "unknown key%s%s%s",
             near ? "; did you mean \"" : "", near ? near : "",
             near ? "\"?" : "");
    complain(x, e, why);
}

/* A key that is not the server's: one of the plugin's own, or INSTANCE.option.
 * 1, 0 if it is neither, or ERR_NOMEM.  Which instances there are, link.c
 * checks. */
static int
add_option(struct bind *x, const struct section_entry *e,
           struct conf_entry *out)
{
    const char *dot = memchr(e->key.p, '.', e->key.n);

    *out = (struct conf_entry){.instance = x->s->name,
                               .key = e->key,
                               .value = e->value,
                               .at = e->at,
                               .section = x->s->title,
                               .dir = e->dir,
                               .is_secret = e->is_secret};
    if (x->s->kind == DIRECTIVE_PLUGIN)
        return 1;
    if (!dot || dot == e->key.p || dot + 1 == e->key.p + e->key.n)
        return 0;
    out->instance =
        arena_dup(x->a, (et_str){e->key.p, (size_t)(dot - e->key.p)});
    out->key.p = dot + 1;
    out->key.n = e->key.n - (size_t)(dot - e->key.p) - 1;
    return out->instance.p ? 1 : ERR_NOMEM;
}

static int
set_default(struct bind *x, const struct directive *row)
{
    char why[256];
    int rc;

    if (!row->dflt)
        return 0;
    rc = value_parse(x->a, &row->spec, (et_str){row->dflt, strlen(row->dflt)},
                     "/", 0, (char *)x->to + row->off, why, sizeof(why));
    CHECK(rc != ERR_INVALID); /* the table's own defaults parse */
    return rc;
}

static int
bind_value(struct bind *x, const struct directive *row,
           const struct section_entry *e)
{
    char why[1024], *field = (char *)x->to + row->off;
    int rc;

    switch (row->spec.type) {
    case VALUE_MATCH:
    case VALUE_PREFIX: rc = add_match(x, row, e); break;
    case VALUE_HANDLER: rc = set_handler(x, e); break;
    default:
        rc = value_parse(x->a, &row->spec, e->value, e->dir, e->is_secret,
                         field, why, sizeof(why));
        if (rc != ERR_INVALID)
            return rc;
        complain(x, e, why);
        return set_default(x, row); /* to find more errors with */
    }
    if (rc == ERR_INVALID) {
        describe_complain(&row->spec, e->value, e->is_secret, why, sizeof(why));
        complain(x, e, why);
    }
    return rc == ERR_NOMEM ? rc : 0;
}

static void
set_place(struct bind *x, const struct directive *row, const struct place *at)
{
    size_t i = (size_t)(row - directive_sections[x->s->kind].rows);

    if (x->places)
        x->places[i] = *at;
    if (row->place_off)
        *(struct place *)(void *)((char *)x->to + row->place_off) = *at;
}

/* Rows the section says nothing of: their default, or a fault. */
static int
bind_absent(struct bind *x, const struct directive *row)
{
    const struct section_entry *e;
    int is_named = 0;

    for (e = x->s->first; e; e = e->next) {
        if (!value_eq(e->key, row->name))
            continue;
        if (!e->is_replaced)
            return 0;
        is_named = 1; /* and something is wrong with it, which was said */
    }
    if (row->is_required && !is_named && !x->s->is_repeated)
        diag_error(x->d, &x->s->at, "%s %s: missing (%s)", x->s->title,
                   row->name, row->help);
    return set_default(x, row);
}

static int
bind_option(struct bind *x, const struct section_entry *e,
            struct conf_entry *options, size_t *n)
{
    int rc = x->options ? add_option(x, e, &options[*n]) : 0;

    if (rc == 0)
        unknown_key(x, e);
    if (rc > 0)
        ++*n;
    return rc < 0 ? rc : 0;
}

static int
bind_entry(struct bind *x, const struct section_entry *e,
           struct conf_entry *options, size_t *n)
{
    const struct directive *row = directive_find(x->s->kind, e->key);

    if (e->is_replaced)
        return 0;
    if (!row)
        return bind_option(x, e, options, n);
    set_place(x, row, &e->at);
    return bind_value(x, row, e);
}

int
bind_section(struct bind *x)
{
    const struct directive_section *ds = &directive_sections[x->s->kind];
    struct conf_entry *options =
        arena_alloc(x->a, (x->s->n + 1) * sizeof(*options));
    const struct section_entry *e;
    size_t i, n = 0;
    int rc = options ? 0 : ERR_NOMEM;

    for (i = 0; !rc && i < ds->n; i++)
        rc = bind_absent(x, &ds->rows[i]);
    for (e = x->s->first; !rc && e; e = e->next)
        rc = bind_entry(x, e, options, &n);
    if (x->options)
        *x->options = (struct conf_entries){options, n};
    return rc;
}
