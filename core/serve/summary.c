/* SPDX-License-Identifier: BSD-2-Clause */
/* summary.c - what a reload changes, in words; see summary.h. */
#include "serve/summary.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "serve/sockets.h"

/* ---- text with a bound ----------------------------------------------------*/

struct text {
    char *p;
    size_t n, cap; /* n < cap */
};

PRINTF(2, 3)
static void
say(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->p + t->n, t->cap - t->n, fmt, ap);
    va_end(ap);
    if (n > 0)
        t->n = t->n + (size_t)n < t->cap ? t->n + (size_t)n : t->cap - 1;
}

/* A part of the line; all but the first have one before them. */
static void
begin(struct text *t, const char *what)
{
    say(t, "%s%s", t->n > 0 ? "; " : "", what);
}

/* ---- plugins --------------------------------------------------------------*/

/* Of many not all are named, so that the rest of the line has its room; each of
 * them has a line of its own in the log. */
#define PLUGINS_MAX 700

/* The plugin of instance i, if no instance before it is of the same. */
static const struct plugin *
first_of(const struct gen *g, uint32_t i)
{
    const struct plugin *p = g->instances[i]->plugin;

    for (uint32_t k = 0; k < i; k++) {
        if (g->instances[k]->plugin == p)
            return NULL;
    }
    return p;
}

static const struct plugin *
find_id(const struct gen *g, const char *id)
{
    for (uint32_t i = 0; i < g->n_instances; i++) {
        const struct plugin *p = g->instances[i]->plugin;
        if (strcmp(p->desc.id, id) == 0)
            return p;
    }
    return NULL;
}

struct named {
    uint32_t n, n_more;
};

/* It is configured still, but does not run: quarantined, or not required. */
static int
is_left_out(const struct gen *before, const struct gen *next,
            const struct plugin *old)
{
    for (uint32_t i = 0; i < before->n_instances; i++) {
        const struct instance *it = before->instances[i];
        if (it->plugin == old &&
            conf_find_plugin(next->conf, str_from_z(it->name)))
            return 1;
    }
    return 0;
}

static void
say_plugin(struct text *t, struct named *named, const struct plugin *old,
           const struct plugin *now, int is_left)
{
    const et_plugin *desc = now ? &now->desc : &old->desc;

    if (t->n >= PLUGINS_MAX) {
        named->n_more++;
        return;
    }
    if (named->n++ == 0)
        begin(t, "plugins ");
    else
        say(t, ", ");
    if (!now)
        say(t, "%s %s", desc->id, is_left ? "left out" : "gone");
    else if (!old)
        say(t, "%s %s new", desc->id, desc->version);
    else if (strcmp(old->desc.version, desc->version) != 0)
        say(t, "%s %s -> %s", desc->id, old->desc.version, desc->version);
    else
        say(t, "%s %s build %.12s -> %.12s", desc->id, desc->version,
            old->image->hash_hex, now->image->hash_hex);
}

static void
compare_plugins(struct text *t, const struct gen *before,
                const struct gen *next)
{
    struct named named = {0, 0};

    for (uint32_t i = 0; i < next->n_instances; i++) {
        const struct plugin *now = first_of(next, i), *old;
        if (!now)
            continue;
        old = find_id(before, now->desc.id);
        if (old != now)
            say_plugin(t, &named, old, now, 0);
    }
    for (uint32_t i = 0; i < before->n_instances; i++) {
        const struct plugin *old = first_of(before, i);
        if (old && !find_id(next, old->desc.id))
            say_plugin(t, &named, old, NULL, is_left_out(before, next, old));
    }
    if (named.n_more > 0)
        say(t, " and %u more", named.n_more);
}

/* ---- routes ---------------------------------------------------------------*/

struct difference {
    uint32_t added, removed, changed;
};

static void
say_difference(struct text *t, const char *what, const struct difference *d)
{
    const struct {
        uint32_t n;
        const char *how;
    } rows[] = {
        {d->added, "added"}, {d->removed, "removed"}, {d->changed, "changed"}};
    const char *comma = " ";

    if (d->added + d->removed + d->changed == 0)
        return;
    begin(t, what);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].n == 0)
            continue;
        say(t, "%s%u %s", comma, rows[i].n, rows[i].how);
        comma = ", ";
    }
}

static int
compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* The order of routes, by what makes one the same as another. */
static int
by_identity(const void *a, const void *b)
{
    const struct route *x = *(const struct route *const *)a;
    const struct route *y = *(const struct route *const *)b;
    int rc = compare_text(x->name, y->name);

    if (rc == 0)
        rc = compare_text(x->pattern, y->pattern);
    return rc ? rc : compare_text(x->methods, y->methods);
}

/* All that serve, in that order; NULL without memory. */
static const struct route **
sorted(const struct gen *g, uint32_t *n)
{
    const struct route **v = calloc(g->n_routes + 1u, sizeof *v);

    *n = 0;
    for (uint32_t i = 0; v && i < g->n_routes; i++) {
        if (g->routes[i]->kind == ROUTE_SERVE)
            v[(*n)++] = g->routes[i];
    }
    if (v)
        qsort(v, *n, sizeof *v, by_identity);
    return v;
}

static int
same_hosts(const et_list *a, const et_list *b)
{
    size_t i = 0;

    while (i < a->n && i < b->n && str_eq(a->v[i], b->v[i]))
        i++;
    return i == a->n && i == b->n;
}

static int
serves_the_same(const struct route *x, const struct route *y)
{
    return x->handler == y->handler && x->n_use == y->n_use &&
           same_hosts(&x->hosts, &y->hosts) &&
           memcmp(x->use, y->use, x->n_use * sizeof *x->use) == 0 &&
           x->max_body == y->max_body &&
           x->body_timeout_ms == y->body_timeout_ms &&
           x->write_timeout_ms == y->write_timeout_ms &&
           x->wait_timeout_ms == y->wait_timeout_ms &&
           x->priority == y->priority;
}

static void
merge(const struct route **old, uint32_t n_old, const struct route **now,
      uint32_t n_now, struct difference *d)
{
    uint32_t i = 0, k = 0;

    while (i < n_old || k < n_now) {
        int rc = i == n_old   ? 1
                 : k == n_now ? -1
                              : by_identity(&old[i], &now[k]);
        d->removed += rc < 0;
        d->added += rc > 0;
        if (rc == 0)
            d->changed += !serves_the_same(old[i], now[k]);
        i += rc <= 0;
        k += rc >= 0;
    }
}

static int
compare_routes(struct text *t, const struct gen *before, const struct gen *next)
{
    uint32_t n_old, n_now;
    const struct route **old = sorted(before, &n_old);
    const struct route **now = sorted(next, &n_now);
    struct difference d = {0, 0, 0};
    int rc = old && now ? 0 : ERR_NOMEM;

    if (rc == 0)
        merge(old, n_old, now, n_now, &d);
    free(old);
    free(now);
    say_difference(t, "routes", &d);
    return rc;
}

/* ---- the rest -------------------------------------------------------------*/

#define SETTINGS_MAX 12u

static void
compare_settings(struct text *t, const struct conf *old, const struct conf *now)
{
    const char *names[SETTINGS_MAX];
    uint32_t n = conf_changed_keys(old, now, names, SETTINGS_MAX);

    if (n == 0)
        return;
    begin(t, "settings");
    for (uint32_t i = 0; i < n && i < SETTINGS_MAX; i++)
        say(t, "%s %s", i > 0 ? "," : "", names[i]);
    if (n > SETTINGS_MAX)
        say(t, " and %u more", n - SETTINGS_MAX);
    say(t, " changed");
}

int
summary_write(char out[SUMMARY_MAX], const struct gen *before,
              const struct gen *next, const struct sockets_changes *listeners,
              int in_place)
{
    const struct difference of_listeners = {
        listeners->added, listeners->removed, listeners->changed};
    struct text t = {out, 0, SUMMARY_MAX};

    out[0] = '\0';
    compare_plugins(&t, before, next);
    if (compare_routes(&t, before, next) < 0) {
        out[0] = '\0';
        return ERR_NOMEM;
    }
    compare_settings(&t, before->conf, next->conf);
    say_difference(&t, "listeners", &of_listeners);
    if (t.n == 0)
        say(&t, "nothing that serves has changed");
    if (!in_place)
        return 0;
    begin(&t, "");
    say(&t, "%u instances kept, %u new", next->n_kept,
        next->n_instances - next->n_kept);
    return 0;
}
