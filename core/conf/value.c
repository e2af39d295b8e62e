/* SPDX-License-Identifier: BSD-2-Clause */
/* value.c - see value.h. */
#include "conf/value.h"

#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/address.h"
#include "conf/describe.h"
#include "conf/unit.h"

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int
is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int
value_eq(et_str s, const char *z)
{
    return str_eq(s, str_from_z(z));
}

int
value_is_name(et_str s)
{
    size_t i;

    if (s.n == 0 || s.n > 64 || !is_alnum(s.p[0]))
        return 0;
    for (i = 1; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
            return 0;
    return 1;
}

int
value_next(et_str *rest, et_str *item)
{
    const char *comma;

    if (rest->p == NULL || (rest->n == 0 && item->p == NULL))
        return 0;
    comma = rest->n ? memchr(rest->p, ',', rest->n) : NULL;
    item->p = rest->p;
    item->n = comma ? (size_t)(comma - rest->p) : rest->n;
    if (comma) {
        rest->n -= item->n + 1;
        rest->p = comma + 1;
    } else {
        *rest = (et_str){NULL, 0};
    }
    *item = str_trim(*item);
    return 1;
}

/* ---- scalars --------------------------------------------------------------*/

int
value_bool(et_str s, int64_t *out)
{
    static const char *const words[] = {"no",    "yes",  "off", "on",
                                        "false", "true", "0",   "1"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(words); i++)
        if (value_eq(s, words[i])) {
            *out = (int64_t)(i & 1);
            return 0;
        }
    return ERR_INVALID;
}

int
value_int(et_str s, int64_t *out)
{
    int is_negative = s.n && s.p[0] == '-';

    if (is_negative)
        s.p++, s.n--;
    if (unit_digits(&s, out) || s.n)
        return ERR_INVALID;
    if (is_negative)
        *out = -*out;
    return 0;
}

int
value_size(et_str s, int64_t *out)
{
    return unit_parse(VALUE_SIZE, s, out);
}

int
value_time(et_str s, int64_t *out)
{
    return unit_parse(VALUE_TIME, s, out);
}

int
value_rate(et_str s, et_rate *out)
{
    int64_t n, per_ms;

    if (unit_digits(&s, &n) || s.n < 2 || s.p[0] != '/')
        return ERR_INVALID;
    if (unit_factor(VALUE_RATE, (et_str){s.p + 1, s.n - 1}, &per_ms))
        return ERR_INVALID;
    *out = (et_rate){n, per_ms};
    return 0;
}

int
value_mode(et_str s, int64_t *out)
{
    size_t i;

    if (s.n < 3 || s.n > 4)
        return ERR_INVALID;
    for (*out = 0, i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '7')
            return ERR_INVALID;
        *out = *out * 8 + (s.p[i] - '0');
    }
    return *out <= 0777 ? 0 : ERR_INVALID;
}

int
value_next_choice(const char **rest, et_str *item)
{
    size_t n;

    if (!*rest)
        return 0;
    n = strcspn(*rest, "|");
    *item = (et_str){*rest, n};
    *rest = (*rest)[n] ? *rest + n + 1 : NULL;
    return 1;
}

int
value_choice(et_str s, const char *choices, int64_t *out)
{
    et_str item;
    int64_t i;

    for (i = 0; value_next_choice(&choices, &item); i++)
        if (str_eq(item, s)) {
            *out = i;
            return 0;
        }
    return ERR_INVALID;
}

static int
is_token_byte(char c)
{
    return is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

int
value_header(et_str s, et_field *out)
{
    size_t colon = 0, i;

    while (colon < s.n && is_token_byte(s.p[colon]))
        colon++;
    if (colon == 0 || colon == s.n || s.p[colon] != ':')
        return ERR_INVALID;
    out->name = (et_str){s.p, colon};
    out->value = str_trim((et_str){s.p + colon + 1, s.n - colon - 1});
    for (i = 0; i < out->value.n; i++) {
        unsigned char c = (unsigned char)out->value.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return ERR_INVALID;
    }
    return 0;
}

static int
is_target(et_str s)
{
    size_t i;

    if (s.n == 0 || s.p[0] != '/')
        return 0;
    for (i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("?#\\\"<>", s.p[i]))
            return 0;
    return 1;
}

/* ---- texts and lists ------------------------------------------------------*/

static int
copy_text(struct arena *a, et_str s, et_str *out)
{
    *out = arena_dup(a, s.p ? s : (et_str){"", 0});
    return out->p ? 0 : ERR_NOMEM;
}

int
value_append(struct arena *a, et_list *list, et_str item)
{
    size_t n = list->n;
    et_str *v;

    if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) { /* the array is full */
        v = arena_alloc(a, (n ? 2 * n : 4) * sizeof(*v));
        if (!v)
            return ERR_NOMEM;
        if (n)
            memcpy(v, list->v, n * sizeof(*v));
        list->v = v;
    }
    v = (et_str *)(uintptr_t)list->v; /* made above, by us */
    if (copy_text(a, item, &v[n]))
        return ERR_NOMEM;
    list->n = n + 1;
    return 0;
}

et_str
value_absolute(struct arena *a, const char *dir, et_str path)
{
    char *text;

    if (path.n && path.p[0] == '/')
        return arena_dup(a, path);
    text = arena_printf(a, "%s/%.*s", strcmp(dir, "/") ? dir : "", (int)path.n,
                        path.p);
    return text ? (et_str){text, strlen(text)} : (et_str){NULL, 0};
}

static int
parse_path(struct arena *a, et_str s, const char *dir, et_str *out)
{
    if (s.n == 0)
        return copy_text(a, s, out);
    if (s.n >= PATH_MAX)
        return ERR_INVALID;
    *out = value_absolute(a, dir, s);
    if (!out->p)
        return ERR_NOMEM;
    return out->n < PATH_MAX ? 0 : ERR_INVALID;
}

static int
add_path(struct arena *a, et_str s, const char *dir, et_list *list)
{
    et_str path;
    int rc = s.n ? parse_path(a, s, dir, &path) : ERR_INVALID;

    return rc ? rc : value_append(a, list, path);
}

static int
add_name(struct arena *a, et_str item, const char *dir, et_list *list)
{
    size_t i;

    (void)dir;
    if (!value_is_name(item))
        return ERR_INVALID;
    for (i = 0; i < list->n; i++)
        if (str_eq(list->v[i], item))
            return ERR_INVALID;
    return value_append(a, list, item);
}

static int
add_host(struct arena *a, et_str item, const char *dir, et_list *list)
{
    char host[ADDRESS_MAX_HOST + 1];
    int n = address_host(item, host);

    (void)dir;
    if (n < 0)
        return n;
    return value_append(a, list, (et_str){host, (size_t)n});
}

static int
add_net(struct arena *a, et_str item, const char *dir, et_list *list)
{
    (void)dir;
    if (address_net(item))
        return ERR_INVALID;
    return value_append(a, list, item);
}

static int
add_listen(struct arena *a, et_str item, const char *dir, et_list *list)
{
    struct address address;
    et_str path;
    char *text;

    if (address_listen(item, &address))
        return ERR_INVALID;
    if (address.port >= 0)
        return value_append(a, list, item);
    path = value_absolute(a, dir, address.path);
    text = path.p ? arena_printf(a, "unix:%s", path.p) : NULL;
    if (!text)
        return ERR_NOMEM;
    if (path.n > ADDRESS_MAX_UNIX_PATH)
        return ERR_INVALID;
    return value_append(a, list, (et_str){text, path.n + 5});
}

static int
parse_items(struct arena *a, et_str text, const char *dir, et_list *list,
            int (*add)(struct arena *, et_str, const char *, et_list *))
{
    et_str item = {NULL, 0};
    int rc;

    while (value_next(&text, &item)) {
        rc = add(a, item, dir, list);
        if (rc)
            return rc;
    }
    return 0;
}

static int
parse_header(struct arena *a, et_str s, et_field *out)
{
    et_field parts;

    if (value_header(s, &parts))
        return ERR_INVALID;
    if (copy_text(a, parts.name, &out->name) ||
        copy_text(a, parts.value, &out->value))
        return ERR_NOMEM;
    return 0;
}

/* ---- one door -------------------------------------------------------------*/

static int
is_in_bounds(const struct value_spec *spec, int64_t n)
{
    return (spec->min == 0 && spec->max == 0) ||
           (n >= spec->min && n <= spec->max);
}

static int
parse_number(const struct value_spec *spec, et_str text, int64_t *out)
{
    int64_t n = 0;
    int rc = ERR_INVALID;

    switch (spec->type) {
    case VALUE_INT: rc = value_int(text, &n); break;
    case VALUE_SIZE: rc = value_size(text, &n); break;
    case VALUE_TIME: rc = value_time(text, &n); break;
    }
    if (rc || !is_in_bounds(spec, n))
        return ERR_INVALID;
    *out = n;
    return 0;
}

static int
parse_rate(const struct value_spec *spec, et_str text, et_rate *out)
{
    et_rate rate;

    if (value_rate(text, &rate) || !is_in_bounds(spec, rate.count))
        return ERR_INVALID;
    *out = rate;
    return 0;
}

static int
parse_typed(struct arena *a, const struct value_spec *spec, et_str text,
            const char *dir, void *field)
{
    et_field ignored;

    switch (spec->type) {
    case VALUE_STR: return copy_text(a, text, field);
    case VALUE_INT:
    case VALUE_SIZE:
    case VALUE_TIME: return parse_number(spec, text, field);
    case VALUE_BOOL: return value_bool(text, field);
    case VALUE_PATH: return parse_path(a, text, dir, field);
    case VALUE_RATE: return parse_rate(spec, text, field);
    case VALUE_CHOICE: return value_choice(text, spec->choices, field);
    case VALUE_MODE: return value_mode(text, field);
    case VALUE_HEADER: return parse_header(a, text, field);
    case VALUE_HEADERS:
        if (value_header(text, &ignored))
            return ERR_INVALID;
        return value_append(a, field, text);
    case VALUE_LIST:
    case VALUE_GLOBS: return value_append(a, field, text);
    case VALUE_PATHS: return add_path(a, text, dir, field);
    case VALUE_TARGET:
        return is_target(text) ? copy_text(a, text, field) : ERR_INVALID;
    case VALUE_NAMES: return parse_items(a, text, dir, field, add_name);
    case VALUE_HOSTS: return parse_items(a, text, dir, field, add_host);
    case VALUE_NETS: return parse_items(a, text, dir, field, add_net);
    case VALUE_LISTEN: return parse_items(a, text, dir, field, add_listen);
    }
    CHECK(spec->type < VALUE_MATCH); /* what conf.c binds has no field */
    return ERR_INVALID;
}

static int
is_text(uint32_t type)
{
    return type == VALUE_STR || type == VALUE_PATH || type == VALUE_TARGET;
}

static int
set_word(struct arena *a, const struct value_spec *spec, void *field)
{
    if (spec->type == VALUE_PATHS)
        return value_append(a, field, (et_str){NULL, 0});
    if (is_text(spec->type))
        *(et_str *)field = (et_str){NULL, 0};
    else
        *(int64_t *)field = spec->word_value;
    return 0;
}

int
value_parse(struct arena *a, const struct value_spec *spec, et_str text,
            const char *dir, int secret, void *field, char *why, size_t why_cap)
{
    int rc;

    if (spec->word && value_eq(text, spec->word))
        return set_word(a, spec, field);
    rc = parse_typed(a, spec, text, dir, field);
    if (rc == ERR_INVALID)
        describe_complain(spec, text, secret, why, why_cap);
    return rc;
}

int
value_same(uint32_t type, const void *a, const void *b)
{
    const et_list *x = a, *y = b;
    const et_str *s = a, *t = b;
    size_t i;

    switch (type) {
    case VALUE_INT:
    case VALUE_BOOL:
    case VALUE_SIZE:
    case VALUE_TIME:
    case VALUE_CHOICE:
    case VALUE_MODE: return *(const int64_t *)a == *(const int64_t *)b;
    case VALUE_RATE: return memcmp(a, b, sizeof(et_rate)) == 0;
    case VALUE_STR:
    case VALUE_PATH:
    case VALUE_TARGET: return str_eq(*s, *t);
    case VALUE_HEADER:
        return value_same(VALUE_STR, &((const et_field *)a)->name,
                          &((const et_field *)b)->name) &&
               value_same(VALUE_STR, &((const et_field *)a)->value,
                          &((const et_field *)b)->value);
    default: break; /* lists */
    }
    for (i = 0; x->n == y->n && i < x->n; i++)
        if (!value_same(VALUE_STR, &x->v[i], &y->v[i]))
            return 0;
    return x->n == y->n;
}
