/* SPDX-License-Identifier: BSD-2-Clause */
/* section.c - see section.h. */
#include "conf/section.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/bundle.h"
#include "conf/describe.h"
#include "conf/ini.h"
#include "conf/value.h"

#define LAYER_ENVIRONMENT 2

struct parser {
    const struct bundle *b;
    struct arena *a;
    struct diag *d;
    struct section_set *set;
    const char *file, *dir; /* of the text being read, in a */
    int layer;
    struct section *now;     /* NULL: below a header that was refused */
    const char *server_file; /* the last file with a [server] */
    int rc;
};

/* ---- the set --------------------------------------------------------------*/

static uint32_t
bucket_of(enum directive_kind kind, et_str name)
{
    uint32_t h = 2166136261u + (uint32_t)kind; /* FNV-1a */
    size_t i;

    for (i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 16777619u;
    return h % SECTION_BUCKETS;
}

struct section *
section_find(const struct section_set *set, enum directive_kind kind,
             et_str name)
{
    struct section *s = set->buckets[bucket_of(kind, name)];

    while (s && (s->kind != kind || !str_eq(s->name, name)))
        s = s->bucket;
    return s;
}

static struct section *
make_section(struct parser *p, enum directive_kind kind, et_str name,
             const struct place *at)
{
    struct section *s = arena_zalloc(p->a, sizeof(*s));
    const char *word = directive_sections[kind].kind;

    if (!s)
        return NULL;
    s->kind = kind;
    s->name = arena_dup(p->a, name.p ? name : (et_str){"", 0});
    s->title = name.n
                   ? arena_printf(p->a, "[%s %.*s]", word, (int)name.n, name.p)
                   : arena_printf(p->a, "[%s]", word);
    if (!s->name.p || !s->title)
        return NULL;
    s->at = *at;
    s->dir = p->dir;
    s->layer = p->layer;
    s->last = &s->first;
    *p->set->last = s;
    p->set->last = &s->next;
    p->set->n[kind]++;
    return s;
}

/* A section that section_find finds. */
static struct section *
add_section(struct parser *p, enum directive_kind kind, et_str name,
            const struct place *at)
{
    struct section *s = make_section(p, kind, name, at);
    uint32_t i = bucket_of(kind, name);

    if (s) {
        s->bucket = p->set->buckets[i];
        p->set->buckets[i] = s;
    }
    return s;
}

/* ---- section headers ------------------------------------------------------*/

/* "route users" -> "route", "users". */
static void
split_header(et_str header, et_str *kind, et_str *name)
{
    size_t n = 0;

    while (n < header.n && header.p[n] != ' ' && header.p[n] != '\t')
        n++;
    *kind = (et_str){header.p, n};
    *name = str_trim((et_str){header.p + n, header.n - n});
}

static const char *
nearest_kind(et_str kind)
{
    const char *known[DIRECTIVE_KINDS];
    char got[32];
    size_t i;

    for (i = 0; i < DIRECTIVE_KINDS; i++)
        known[i] = directive_sections[i].kind;
    snprintf(got, sizeof(got), "%.*s", (int)kind.n, kind.p);
    return diag_nearest(got, known, DIRECTIVE_KINDS);
}

static void
unknown_kind(struct parser *p, et_str header, et_str kind,
             const struct place *at)
{
    const char *near = nearest_kind(kind);
    char shown[300];

    describe_text(header, shown, sizeof(shown));
    diag_error(p->d, at,
               "[%s]: expected [server], [listen NAME], [route NAME], [scope "
               "NAME] or [plugin NAME]%s%s%s",
               shown, near ? "; did you mean \"" : "", near ? near : "",
               near ? "\"?" : "");
}

/* Whether a header of this kind may have this name; says why not. */
static int
check_name(struct parser *p, enum directive_kind kind, et_str name,
           const struct place *at)
{
    const char *word = directive_sections[kind].kind;
    char shown[300];

    describe_text(name, shown, sizeof(shown));
    if (!directive_sections[kind].is_named) {
        if (name.n)
            diag_error(p->d, at, "[%s %s]: [%s] has no name", word, shown,
                       word);
        return name.n == 0;
    }
    if (name.n == 0)
        diag_error(p->d, at, "[%s]: expected [%s NAME]", word, word);
    else if (!value_is_name(name))
        diag_error(p->d, at,
                   "[%s %s]: a name is made of letters, digits, '-' and '_', "
                   "begins with a letter or digit and has at most 64 bytes",
                   word, shown);
    return value_is_name(name);
}

/* Whether the section found is gone on with here, rather than repeated. */
static int
may_continue(struct parser *p, const struct section *s)
{
    if (s->kind == DIRECTIVE_SERVER)
        return p->server_file != p->file;
    return s->layer < p->layer;
}

/* The section that keys below this header go to; NULL without memory. */
static struct section *
open_section(struct parser *p, enum directive_kind kind, et_str name,
             const struct place *at)
{
    struct section *s = section_find(p->set, kind, name);

    if (!s)
        return add_section(p, kind, name, at);
    if (may_continue(p, s)) {
        s->layer = p->layer;
        return s;
    }
    diag_error(p->d, at, "%s: this section is there already, at %s:%u",
               s->title, s->at.file, s->at.line);
    s = make_section(p, kind, name, at);
    if (s)
        s->is_repeated = 1;
    return s;
}

static void
on_section(void *arg, et_str header, uint32_t line)
{
    struct parser *p = arg;
    struct place at = {p->file, line};
    et_str word, name;
    int kind;

    p->now = NULL;
    split_header(header, &word, &name);
    kind = directive_kind(word);
    if (kind < 0) {
        unknown_kind(p, header, word, &at);
        return;
    }
    if (p->rc || !check_name(p, (enum directive_kind)kind, name, &at))
        return;
    p->now = open_section(p, (enum directive_kind)kind, name, &at);
    if (!p->now)
        p->rc = ERR_NOMEM;
    if (kind == DIRECTIVE_SERVER)
        p->server_file = p->file;
}

/* ---- keys -----------------------------------------------------------------*/

/* Take away what lower layers say of e's key; report it if this layer has said
 * something already and the key may not repeat.  A key that is not the server's
 * own is a plugin's: option.c knows whether it may. */
static void
supersede(struct parser *p, struct section *s, const struct section_entry *e)
{
    const struct directive *row = directive_find(s->kind, e->key);
    struct section_entry *old;

    for (old = s->first; old; old = old->next) {
        if (old->is_replaced || !str_eq(old->key, e->key))
            continue;
        if (old->layer < e->layer) {
            old->is_replaced = 1;
        } else if (row && !row->may_repeat) {
            diag_error(p->d, &e->at, "%s %.*s: given already, at %s:%u",
                       s->title, (int)e->key.n, e->key.p, old->at.file,
                       old->at.line);
            return;
        }
    }
}

static int
add_entry(struct parser *p, struct section *s, struct section_entry *e)
{
    if (s->n == SECTION_MAX_ENTRIES) {
        diag_error(p->d, &e->at,
                   "%s %.*s: this section has %u keys already, more are not "
                   "read",
                   s->title, (int)e->key.n, e->key.p, SECTION_MAX_ENTRIES);
        return 0;
    }
    supersede(p, s, e);
    *s->last = e;
    s->last = &e->next;
    s->n++;
    return 0;
}

static int
add_pair(struct parser *p, et_str key, et_str value, uint32_t line)
{
    struct section_entry *e = arena_zalloc(p->a, sizeof(*e));
    char why[512];
    int rc;

    if (!e)
        return ERR_NOMEM;
    e->key = arena_dup(p->a, key);
    if (!e->key.p)
        return ERR_NOMEM;
    e->at = (struct place){p->file, line};
    e->dir = p->dir;
    e->layer = p->layer;
    rc = vars_expand(&p->b->vars, p->dir, p->a, value, &e->value, &e->is_secret,
                     why, sizeof(why));
    if (rc == ERR_NOMEM)
        return rc;
    if (rc)
        diag_error(p->d, &e->at, "%s %.*s: %s", p->now->title, (int)key.n,
                   key.p, why);
    e->is_replaced = rc != 0; /* reported: say nothing of its type too */
    return add_entry(p, p->now, e);
}

static void
on_key(void *arg, et_str key, et_str value, uint32_t line)
{
    struct parser *p = arg;

    if (p->now && !p->rc)
        p->rc = add_pair(p, key, value, line);
}

static const struct ini_handler handler = {on_section, on_key};

/* ---- the environment ------------------------------------------------------*/

static int
add_override(struct parser *p, const struct directive *row, const struct var *v)
{
    struct section *s = section_find(p->set, DIRECTIVE_SERVER, (et_str){"", 0});
    struct section_entry *e = arena_zalloc(p->a, sizeof(*e));
    struct place at = {arena_printf(p->a, "environment variable %.*s",
                                    (int)v->name.n, v->name.p),
                       0};

    if (!e || !at.file)
        return ERR_NOMEM;
    if (!s)
        s = add_section(p, DIRECTIVE_SERVER, (et_str){"", 0}, &at);
    if (!s)
        return ERR_NOMEM;
    e->key = (et_str){row->name, strlen(row->name)};
    e->value = arena_dup(p->a, v->value);
    e->at = at;
    e->dir = p->dir;
    e->layer = LAYER_ENVIRONMENT;
    return e->value.p ? add_entry(p, s, e) : ERR_NOMEM;
}

/* ETUDE_KEY overrides a key of [server].  One that names no key is somebody
 * else's: Kubernetes makes ETUDE_PORT for a service called etude. */
static int
read_environment(struct parser *p)
{
    const struct directive *row;
    const struct var *v;
    size_t i;
    int rc = 0;

    p->dir = arena_printf(p->a, "%s", p->b->cwd);
    p->layer = LAYER_ENVIRONMENT;
    if (!p->dir)
        return ERR_NOMEM;
    for (i = 0; !rc && i < p->b->vars.n; i++) {
        v = &p->b->vars.v[i];
        if (v->name.n <= 6 || memcmp(v->name.p, "ETUDE_", 6) != 0 ||
            v->value.n == 0)
            continue;
        row = directive_of_variable(v->name);
        if (row)
            rc = add_override(p, row, v);
        else if (!value_eq(v->name, "ETUDE_ENV") &&
                 !value_eq(v->name, "ETUDE_CONF"))
            diag_note(p->d, NULL, "%.*s names no key of [server]: ignored",
                      (int)v->name.n, v->name.p);
    }
    return rc;
}

static int
read_file(struct parser *p, const struct bundle_file *f)
{
    int rc;

    p->file = arena_printf(p->a, "%s", f->name);
    p->dir = arena_printf(p->a, "%s", f->dir);
    p->layer = f->layer;
    p->now = NULL;
    if (!p->file || !p->dir)
        return ERR_NOMEM;
    rc = ini_read(f->text, p->file, p->d, &handler, p);
    return rc < 0 ? rc : p->rc;
}

int
section_read(const struct bundle *b, struct arena *a, struct diag *d,
             struct section_set **out)
{
    struct parser p = {.b = b, .a = a, .d = d};
    size_t i;
    int rc = 0;

    p.set = arena_zalloc(a, sizeof(*p.set));
    if (!p.set)
        return ERR_NOMEM;
    p.set->last = &p.set->first;
    for (i = 0; !rc && i < b->n_files; i++)
        rc = read_file(&p, &b->files[i]);
    if (!rc)
        rc = read_environment(&p);
    *out = p.set;
    return rc;
}
