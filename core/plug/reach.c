/* SPDX-License-Identifier: BSD-2-Clause */
/* reach.c - see reach.h. */
#include "plug/reach.h"

#include <stdint.h>
#include <string.h>

#include "os/dso.h"

enum what {
    TEXT,   /* NUL-terminated */
    TEXTS,  /* an array of these, NULL-terminated */
    BOUNDS, /* of a histogram */
    HANDLE, /* written by the host */
};

struct pointer {
    uint32_t kind; /* ET_I_*; of other structs 0 */
    enum what what;
    size_t off;
    const char *name;
};

#define MAX_BOUNDS 64u /* more are refused unread */
#define AT(T, f) offsetof(T, f), #f

/* clang-format off */
static const struct pointer in_items[] = {
    {ET_I_ROUTE,    TEXT, AT(et_route, method)},
    {ET_I_ROUTE,    TEXT, AT(et_route, path)},
    {ET_I_ROUTE,    TEXT, AT(et_route, name)},
    {ET_I_ROUTE,    TEXT, AT(et_route, doc)},
    {ET_I_REQUEST,  TEXT, AT(et_stepdef, name)},
    {ET_I_RESPONSE, TEXT, AT(et_stepdef, name)},
    {ET_I_HANDLER,  TEXT, AT(et_stepdef, name)},
    {ET_I_LOG,      TEXT, AT(et_stepdef, name)},
    {ET_I_BODY,     TEXT, AT(et_bodydef, name)},
    {ET_I_NEED,     TEXT, AT(et_needdef, id)},
    {ET_I_ORDER,    TEXTS, AT(et_orderdef, after)},
    {ET_I_ORDER,    TEXTS, AT(et_orderdef, before)},
    {ET_I_COMMAND,  TEXT, AT(et_commanddef, name)},
    {ET_I_COMMAND,  TEXT, AT(et_commanddef, help)},
    {ET_I_METRIC,   TEXT, AT(et_metricdef, name)},
    {ET_I_METRIC,   TEXT, AT(et_metricdef, unit)},
    {ET_I_METRIC,   TEXT, AT(et_metricdef, help)},
    {ET_I_METRIC,   BOUNDS, AT(et_metricdef, bounds)},
    {ET_I_METRIC,   HANDLE, AT(et_metricdef, handle)},
};
static const struct pointer in_plugins[] = {
    {0, TEXT, AT(et_plugin, id)},
    {0, TEXT, AT(et_plugin, version)},
    {0, TEXT, AT(et_plugin, summary)},
    {0, TEXT, AT(et_plugin, build)},
};
static const struct pointer in_options[] = {
    {0, TEXT, AT(et_opt, key)},
    {0, TEXT, offsetof(et_opt, dflt), "default"},
    {0, TEXT, AT(et_opt, help)},
    {0, TEXT, AT(et_opt, choices)},
};
/* clang-format on */

int
reach_has(const void *p, size_t n, size_t align)
{
    return (uintptr_t)p % align == 0 && dso_readable(p) >= n;
}

static int
has_text(const char *z)
{
    size_t n = dso_readable(z);

    return n > 0 && memchr(z, '\0', n) != NULL;
}

static int
has_texts(const char *const *v)
{
    while (reach_has_one(v)) {
        if (*v == NULL)
            return 1;
        if (!has_text(*v++))
            return 0;
    }
    return 0;
}

static int
has_bounds(const et_metricdef *m)
{
    return m->n_bounds > MAX_BOUNDS ||
           reach_has(m->bounds, m->n_bounds * sizeof *m->bounds,
                     _Alignof(int64_t));
}

static int
has_handle(const uint32_t *handle)
{
    return (uintptr_t)handle % _Alignof(uint32_t) == 0 &&
           dso_writable(handle) >= sizeof *handle;
}

/* Whether a field of the struct at base, not NULL, leads to what is there. */
static int
is_there(const struct pointer *f, const void *base)
{
    const void *p;

    memcpy(&p, (const char *)base + f->off, sizeof p);
    if (p == NULL)
        return 1;
    switch (f->what) {
    case TEXT: return has_text(p);
    case TEXTS: return has_texts(p);
    case BOUNDS: return has_bounds(base);
    case HANDLE: return has_handle(p);
    }
    return 0;
}

static const char *
astray(const struct pointer *v, size_t n, uint32_t kind, const void *base)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].kind == kind && !is_there(&v[i], base))
            return v[i].name;
    return NULL;
}

const char *
reach_astray_in_item(const et_item *it)
{
    return astray(in_items, ARRAY_LEN(in_items), it->kind, it);
}

const char *
reach_astray_in_option(const et_opt *o)
{
    return astray(in_options, ARRAY_LEN(in_options), 0, o);
}

const char *
reach_astray_in_plugin(const et_plugin *p)
{
    uintptr_t from = (uintptr_t)p->items, end = (uintptr_t)p->items_end;

    if (from != 0 && end != 0 && from != end &&
        (from > end || !reach_has(p->items, end - from, _Alignof(void *))))
        return "items";
    return astray(in_plugins, ARRAY_LEN(in_plugins), 0, p);
}

int
reach_has_file(const et_item *it)
{
    return it->file == NULL || has_text(it->file);
}
