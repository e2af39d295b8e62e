/* SPDX-License-Identifier: BSD-2-Clause */
/* option.c - see option.h. */
#include "conf/option.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/describe.h"
#include "conf/directive.h"
#include "conf/entry.h"
#include "conf/tree.h"
#include "conf/value.h"

#define MAX_KNOWN 128u /* keys compared for "did you mean" */

#define KNOWN_FLAGS (ET_O_REQUIRED | ET_O_SECRET | ET_O_TREE | ET_O_WRITE)

/* The C type a type fills; 0: no such type. */
static const struct field {
    uint32_t size, align;
    int may_repeat;
    const char *name;
} fields[] = {
    [ET_O_STR] = {sizeof(et_str), _Alignof(et_str), 0, "str"},
    [ET_O_INT] = {sizeof(int64_t), _Alignof(int64_t), 0, "int"},
    [ET_O_BOOL] = {sizeof(int64_t), _Alignof(int64_t), 0, "bool"},
    [ET_O_SIZE] = {sizeof(int64_t), _Alignof(int64_t), 0, "size"},
    [ET_O_TIME] = {sizeof(int64_t), _Alignof(int64_t), 0, "time"},
    [ET_O_PATH] = {sizeof(et_str), _Alignof(et_str), 0, "path"},
    [ET_O_RATE] = {sizeof(et_rate), _Alignof(et_rate), 0, "rate"},
    [ET_O_CHOICE] = {sizeof(int64_t), _Alignof(int64_t), 0, "choice"},
    [ET_O_LIST] = {sizeof(et_list), _Alignof(et_list), 1, "list"},
    [ET_O_HEADER] = {sizeof(et_field), _Alignof(et_field), 0, "header"},
    [ET_O_HEADERS] = {sizeof(et_list), _Alignof(et_list), 1, "headers"},
};

const et_opt *
option_row(const et_optdef *def, uint32_t i)
{
    return (const et_opt *)(const void *)((const char *)def->v +
                                          (size_t)i * def->v[0].size);
}

const char *
option_type_name(const et_opt *o)
{
    return fields[o->type].name;
}

static struct value_spec
spec_of(const et_opt *o)
{
    return (struct value_spec){
        .type = o->type, .choices = o->choices, .min = o->min, .max = o->max};
}

/* ---- the table itself -----------------------------------------------------*/

static int PRINTF(3, 4) refuse(char *text, size_t cap, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, cap, fmt, ap);
    va_end(ap);
    return ERR_INVALID;
}

static int
is_key(const char *key)
{
    size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
                           "YZ0123456789-_.");

    return n > 0 && n <= 64 && key[n] == '\0' && key[0] != '.' &&
           key[n - 1] != '.';
}

static int
check_default(const et_opt *o, char *text, size_t cap)
{
    struct value_spec spec = spec_of(o);
    union {
        et_str s;
        et_list list;
        et_field field;
        et_rate rate;
        int64_t n;
    } ignored;
    char why[256];
    struct arena a;
    int rc;

    memset(&ignored, 0, sizeof(ignored));
    arena_init(&a, NULL, 0, NULL, 1u << 20);
    rc = value_parse(&a, &spec, str_from_z(o->dflt), "/", 0, &ignored, why,
                     sizeof(why));
    arena_reset(&a);
    if (rc == 0)
        return 0;
    return refuse(text, cap, "default of option %s: %s", o->key,
                  rc == ERR_INVALID ? why : err_text(rc));
}

static int
check_row(const et_optdef *def, uint32_t i, char *text, size_t cap)
{
    const et_opt *o = option_row(def, i);
    uint32_t j;

    if (!o->key || !is_key(o->key))
        return refuse(text, cap,
                      "option %u has no key, or one with other "
                      "bytes than letters, digits, '-', '_', '.'",
                      i);
    if (directive_find(DIRECTIVE_PLUGIN, str_from_z(o->key)))
        return refuse(text, cap, "option %s: [plugin] has this key itself",
                      o->key);
    for (j = 0; j < i; j++)
        if (strcmp(option_row(def, j)->key, o->key) == 0)
            return refuse(text, cap, "option %s is declared twice", o->key);
    if (o->type >= ARRAY_LEN(fields))
        return refuse(text, cap,
                      "option %s is of type %u: it needs a newer "
                      "server",
                      o->key, o->type);
    if (o->flags & ~KNOWN_FLAGS)
        return refuse(text, cap,
                      "option %s has flags 0x%x: it needs a newer server",
                      o->key, o->flags & ~KNOWN_FLAGS);
    if (o->off % fields[o->type].align || o->off > def->conf_size ||
        fields[o->type].size > def->conf_size - o->off)
        return refuse(text, cap, "option %s lies outside its struct", o->key);
    if (o->type == ET_O_CHOICE && (!o->choices || !*o->choices))
        return refuse(text, cap, "option %s has no choices", o->key);
    if (o->min > o->max)
        return refuse(text, cap, "option %s has min above max", o->key);
    if (o->dflt && (o->flags & ET_O_REQUIRED))
        return refuse(text, cap, "option %s is required and has a default",
                      o->key);
    return o->dflt ? check_default(o, text, cap) : 0;
}

int
option_check_table(const et_optdef *def, char *text, size_t cap)
{
    uint32_t i;
    int rc = 0;

    if (!def)
        return 0;
    if (def->n && (!def->v || def->v[0].size < sizeof(et_opt) ||
                   def->v[0].size % _Alignof(et_opt)))
        return refuse(text, cap, "the option table's rows are too small");
    for (i = 0; !rc && i < def->n; i++)
        rc = check_row(def, i, text, cap);
    return rc;
}

/* ---- filling --------------------------------------------------------------*/

/* Room for the value of any option. */
union value {
    et_str text;
    int64_t number;
    et_rate rate;
    et_list list;
    et_field field;
};

struct filling {
    struct arena *a;
    const et_optdef *def;
    const struct option_target *t;
    const struct conf_entries *layers;
    size_t n;
    struct diag *d;
    char *out;
};

int
option_any(et_str instance, const struct conf_entries *layers, size_t n)
{
    size_t i, j;

    for (i = 0; i < n; i++)
        for (j = 0; j < layers[i].n; j++)
            if (entry_is_for(&layers[i].v[j], instance))
                return 1;
    return 0;
}

static const char *
nearest(const et_optdef *def, et_str key)
{
    const char *known[MAX_KNOWN];
    char got[80];
    uint32_t i;

    if (!def || key.n >= sizeof(got))
        return NULL;
    for (i = 0; i < def->n && i < MAX_KNOWN; i++)
        known[i] = option_row(def, i)->key;
    snprintf(got, sizeof(got), "%.*s", (int)key.n, key.p);
    return diag_nearest(got, known, i);
}

static int
is_known(const et_optdef *def, et_str key)
{
    uint32_t i;

    for (i = 0; def && i < def->n; i++)
        if (value_eq(key, option_row(def, i)->key))
            return 1;
    return 0;
}

static void
find_unknown(struct filling *f)
{
    const struct conf_entry *e;
    const char *near;
    size_t i, j;

    for (i = 0; i < f->n; i++) {
        for (j = 0; j < f->layers[i].n; j++) {
            e = &f->layers[i].v[j];
            if (!entry_is_for(e, f->t->instance) || is_known(f->def, e->key))
                continue;
            near = nearest(f->def, e->key);
            entry_complain(e, f->d, "the plugin has no such option%s%s%s",
                           near ? "; did you mean \"" : "", near ? near : "",
                           near ? "\"?" : "");
        }
    }
}

/* All values of one layer for row o into field: how many there were, or
 * ERR_NOMEM. */
static int
fill_from(struct filling *f, const et_opt *o, const struct conf_entries *layer,
          void *field)
{
    struct value_spec spec = spec_of(o);
    const struct conf_entry *e, *first = NULL;
    char why[1024];
    int n = 0, rc;
    size_t i;

    for (i = 0; i < layer->n; i++) {
        e = &layer->v[i];
        if (!entry_is_for(e, f->t->instance) || !value_eq(e->key, o->key))
            continue;
        n++;
        if (first && !fields[o->type].may_repeat) {
            entry_complain(e, f->d, "given already, at %s:%u", first->at.file,
                           first->at.line);
            continue;
        }
        first = first ? first : e;
        if (e->value.n == 0 && fields[o->type].may_repeat)
            continue; /* "key =" empties a list */
        rc = value_parse(f->a, &spec, e->value, e->dir,
                         e->is_secret || (o->flags & ET_O_SECRET) != 0, field,
                         why, sizeof(why));
        if (rc == ERR_NOMEM)
            return rc;
        if (rc)
            entry_complain(e, f->d, "%s", why);
    }
    return n;
}

static int
fill_default(struct filling *f, const et_opt *o)
{
    struct value_spec spec = spec_of(o);
    char why[256];
    int rc;

    if (o->flags & ET_O_REQUIRED)
        diag_error(f->d, &f->t->at, "%s %s: missing; %s", f->t->section, o->key,
                   o->help ? o->help : "the plugin requires it");
    if (!o->dflt)
        return 0;
    rc = value_parse(f->a, &spec, str_from_z(o->dflt), f->t->dir, 0,
                     f->out + o->off, why, sizeof(why));
    if (rc == ERR_INVALID) /* a path that is too long from here */
        diag_error(f->d, &f->t->at, "%s %s: the default: %s", f->t->section,
                   o->key, why);
    return rc == ERR_NOMEM ? rc : 0;
}

static int
fill_row(struct filling *f, const et_opt *o)
{
    size_t i;
    int n = 0, more;

    for (i = 0; n == 0 && i < f->n; i++)
        n = fill_from(f, o, &f->layers[i], f->out + o->off);
    if (n == 0)
        return fill_default(f, o);
    /* What it hides has to be good, too: it comes out when this goes. */
    for (; n > 0 && i < f->n; i++) {
        union value hidden = {{0}};
        more = fill_from(f, o, &f->layers[i], &hidden);
        n = more < 0 ? more : n;
    }
    return n < 0 ? n : 0;
}

static void
call_check(struct filling *f)
{
    char text[512] = "";
    et_err e = {text, sizeof(text) - 1, 0};

    if (!f->def->check || f->def->check(f->out, &e) >= 0)
        return;
    text[e.n < sizeof(text) ? e.n : sizeof(text) - 1] = '\0';
    if (!option_blame(f->def, f->t->instance, f->layers, f->n, text, f->d))
        diag_error(f->d, &f->t->at, "%s: %s", f->t->section,
                   e.n ? text : "the plugin refuses these options");
}

int
option_fill(struct arena *a, const et_optdef *def,
            const struct option_target *t, const struct conf_entries *layers,
            size_t n, struct diag *d, void **out)
{
    struct filling f = {a, def, t, layers, n, d, NULL};
    uint32_t n_before = d->n_errors, i;
    int rc = 0;

    *out = NULL;
    find_unknown(&f);
    if (!def)
        return d->n_errors == n_before ? 0 : ERR_INVALID;
    f.out = arena_zalloc(a, def->conf_size ? def->conf_size : 1);
    if (!f.out)
        return ERR_NOMEM;
    for (i = 0; !rc && i < def->n; i++)
        rc = fill_row(&f, option_row(def, i));
    if (rc)
        return rc;
    if (d->n_errors == n_before)
        call_check(&f); /* it may count on what the table promises */
    if (d->n_errors != n_before)
        return ERR_INVALID;
    *out = f.out;
    return 0;
}

/* ---- refusals -------------------------------------------------------------*/

/* What stands after "key: ", or "key[i]: ", at the beginning of text; or NULL.
 * i is 0 if it is not given. */
static const char *
after_key(const char *text, const char *key, size_t *i)
{
    size_t n = strlen(key);

    *i = 0;
    if (strncmp(text, key, n) != 0)
        return NULL;
    text += n;
    if (*text == '[') {
        for (text++; *text >= '0' && *text <= '9' && *i < SIZE_MAX / 100;
             text++)
            *i = 10 * *i + (size_t)(*text - '0');
        if (*text++ != ']')
            return NULL;
    }
    return text[0] == ':' && text[1] == ' ' ? text + 2 : NULL;
}

int
option_blame(const et_optdef *def, et_str instance,
             const struct conf_entries *layers, size_t n, const char *text,
             struct diag *d)
{
    const struct conf_entry *e;
    size_t i;

    for (uint32_t row = 0; def && row < def->n; row++) {
        const char *key = option_row(def, row)->key;
        const char *why = after_key(text, key, &i);
        if (!why)
            continue;
        e = entry_find(layers, n, instance, key, i);
        if (e)
            entry_complain(e, d, "%s", why);
        return e != NULL;
    }
    return 0;
}

/* ---- identity -------------------------------------------------------------*/

/* Bytes that grow in an arena. */
struct bytes {
    struct arena *a;
    char *p;
    size_t n, cap;
};

static int
add(struct bytes *b, const void *p, size_t n)
{
    size_t cap = b->cap ? b->cap : 256;
    char *grown;

    while (cap - b->n < n)
        cap *= 2;
    if (cap != b->cap) {
        grown = arena_alloc(b->a, cap);
        if (!grown)
            return ERR_NOMEM;
        if (b->n)
            memcpy(grown, b->p, b->n);
        b->p = grown;
        b->cap = cap;
    }
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    return 0;
}

/* Length first: no two lists of texts give the same bytes. */
static int
add_text(struct bytes *b, et_str s)
{
    uint64_t n = s.p ? s.n : UINT64_MAX; /* absent is not empty */
    int rc = add(b, &n, sizeof(n));

    return rc ? rc : add(b, s.p, s.n);
}

static int
add_list(struct bytes *b, const et_list *list)
{
    uint64_t n = list->n;
    size_t i;
    int rc = add(b, &n, sizeof(n));

    for (i = 0; !rc && i < list->n; i++)
        rc = add_text(b, list->v[i]);
    return rc;
}

static int
add_path(struct bytes *b, et_str path, int is_tree)
{
    et_str identity;
    int rc = add_text(b, path);

    if (rc || path.n == 0)
        return rc;
    rc = tree_identity(b->a, path.p, is_tree ? OPTION_MAX_TREE : 0, &identity);
    return rc ? rc : add_text(b, identity);
}

static int
add_value(struct bytes *b, const et_opt *o, const char *options)
{
    const void *field = options + o->off;
    const et_field *header = field;
    int rc;

    switch (o->type) {
    case ET_O_STR: return add_text(b, *(const et_str *)field);
    case ET_O_PATH:
        if (o->flags & ET_O_WRITE) /* what changes there is its own doing */
            return add_text(b, *(const et_str *)field);
        return add_path(b, *(const et_str *)field, (o->flags & ET_O_TREE) != 0);
    case ET_O_LIST:
    case ET_O_HEADERS: return add_list(b, field);
    case ET_O_HEADER:
        rc = add_text(b, header->name);
        return rc ? rc : add_text(b, header->value);
    default: return add(b, field, fields[o->type].size);
    }
}

int
option_key(struct arena *a, const et_optdef *def, const void *options,
           et_str *key)
{
    struct bytes b = {.a = a};
    const et_opt *o;
    uint32_t i;
    int rc = 0;

    for (i = 0; !rc && def && i < def->n; i++) {
        o = option_row(def, i);
        rc = add_text(&b, str_from_z(o->key));
        if (!rc)
            rc = add_value(&b, o, options);
    }
    *key = (et_str){b.p ? b.p : "", b.n};
    return rc;
}

/* Name of choice i in "common|json". */
static et_str
choice_name(const char *choices, int64_t i)
{
    const char *end;

    while (i-- > 0 && (choices = strchr(choices, '|')) != NULL)
        choices++;
    if (!choices)
        return (et_str){"?", 1};
    end = strchr(choices, '|');
    return (et_str){choices, end ? (size_t)(end - choices) : strlen(choices)};
}

static const char *
list_text(struct arena *a, const et_list *list)
{
    const char *text = "";

    for (size_t i = 0; text && i < list->n; i++)
        text = arena_printf(a, "%s%s%.*s", text, i ? ", " : "",
                            (int)list->v[i].n, list->v[i].p);
    return text;
}

et_str
option_text(struct arena *a, const et_optdef *def, uint32_t i,
            const void *options)
{
    const et_opt *o = option_row(def, i);
    const void *field = (const char *)options + o->off;
    const int64_t *number = field;
    const et_str *text = field;
    const et_field *pair = field;
    const et_rate *rate = field;
    et_str choice;

    if (o->flags & ET_O_SECRET)
        return str_from_z("***");
    switch (o->type & 0xff) {
    case ET_O_STR:
    case ET_O_PATH: return *text;
    case ET_O_BOOL: return str_from_z(*number ? "yes" : "no");
    case ET_O_TIME:
        return str_from_z(arena_printf(a, "%lldms", (long long)*number));
    case ET_O_RATE:
        return str_from_z(arena_printf(a, "%lld per %lldms",
                                       (long long)rate->count,
                                       (long long)rate->per_ms));
    case ET_O_CHOICE: choice = choice_name(o->choices, *number); return choice;
    case ET_O_LIST:
    case ET_O_HEADERS: return str_from_z(list_text(a, field));
    case ET_O_HEADER:
        return str_from_z(arena_printf(a, "%.*s: %.*s", (int)pair->name.n,
                                       pair->name.p, (int)pair->value.n,
                                       pair->value.p));
    default: return str_from_z(arena_printf(a, "%lld", (long long)*number));
    }
}

static int
is_secret_entry(const struct conf_entry *e, et_str instance, const char *key)
{
    return e->is_secret && str_eq(e->instance, instance) &&
           str_eq(e->key, str_from_z(key));
}

const uint8_t *
option_secrets(struct arena *a, const et_optdef *def, et_str instance,
               const struct conf_entries *layers, size_t n)
{
    uint8_t *secrets = def ? arena_zalloc(a, def->n + 1) : NULL;

    for (uint32_t i = 0; secrets && i < def->n; i++) {
        const et_opt *o = option_row(def, i);
        secrets[i] = (o->flags & ET_O_SECRET) != 0;
        for (size_t l = 0; l < n; l++) {
            for (size_t k = 0; k < layers[l].n; k++) {
                if (is_secret_entry(&layers[l].v[k], instance, o->key))
                    secrets[i] = 1;
            }
        }
    }
    return secrets;
}
