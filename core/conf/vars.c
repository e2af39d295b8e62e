/* SPDX-License-Identifier: BSD-2-Clause */
/* vars.c - see vars.h. */
#include "conf/vars.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/describe.h"
#include "conf/ini.h"
#include "conf/value.h"
#include "os/file.h"

enum piece_kind { PIECE_LITERAL, PIECE_NAME, PIECE_FILE };

/* A stretch of a value. */
struct piece {
    enum piece_kind kind;
    et_str text; /* literal bytes; NAME; PATH */
    et_str dflt; /* p == NULL: none */
};

/* ---- taking a value apart -------------------------------------------------*/

static int
is_name_byte(char c, int is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!is_first && c >= '0' && c <= '9');
}

static size_t
name_length(et_str s)
{
    size_t n = 0;

    while (n < s.n && is_name_byte(s.p[n], n == 0))
        n++;
    return n;
}

static int
begins_with(et_str s, const char *z)
{
    size_t n = strlen(z);

    return s.n >= n && memcmp(s.p, z, n) == 0;
}

static et_str
skip(et_str s, size_t n)
{
    return (et_str){s.p + n, s.n - n};
}

/* Bytes up to the '}' that ends s, inner ${...} passed over; s.n if none. */
static size_t
find_close(et_str s)
{
    size_t i, depth = 1;

    for (i = 0; i < s.n; i++) {
        if (begins_with(skip(s, i), "${"))
            depth++;
        else if (s.p[i] == '}' && --depth == 0)
            return i;
    }
    return s.n;
}

/* s begins with "${". */
static int
parse_reference(et_str *s, struct piece *out)
{
    size_t n = find_close(skip(*s, 2));
    et_str body = {s->p + 2, n};

    if (n == s->n - 2)
        return ERR_INVALID;
    *s = skip(*s, n + 3);
    *out = (struct piece){PIECE_FILE, {NULL, 0}, {NULL, 0}};
    if (begins_with(body, "file:")) {
        out->text = skip(body, 5);
        return out->text.n ? 1 : ERR_INVALID;
    }
    n = name_length(body);
    out->kind = PIECE_NAME;
    out->text = (et_str){body.p, n};
    if (n < body.n && begins_with(skip(body, n), ":-"))
        out->dflt = skip(body, n + 2);
    else if (n < body.n)
        return ERR_INVALID;
    return n ? 1 : ERR_INVALID;
}

/* The next piece of *s, which moves on: 1, 0 at the end, or ERR_INVALID. */
static int
next_piece(et_str *s, struct piece *out)
{
    size_t n = 0;

    if (s->n == 0)
        return 0;
    if (begins_with(*s, "${"))
        return parse_reference(s, out);
    *out = (struct piece){PIECE_LITERAL, *s, {NULL, 0}};
    if (begins_with(*s, "$${")) {
        out->text = (et_str){s->p + 1, 2};
        *s = skip(*s, 3);
        return 1;
    }
    while (n < s->n && !begins_with(skip(*s, n), "${") &&
           !begins_with(skip(*s, n), "$${"))
        n++;
    out->text.n = n;
    *s = skip(*s, n);
    return 1;
}

/* The next stretch of a PATH: PIECE_NAME for $NAME and ${NAME}.  1 or 0. */
static int
next_path_piece(et_str *s, struct piece *out)
{
    size_t n = 1;

    if (s->n == 0)
        return 0;
    if (s->p[0] == '$') {
        int is_braced = s->n > 1 && s->p[1] == '{';
        et_str name = skip(*s, is_braced ? 2 : 1);

        name.n = name_length(name);
        n = (size_t)(name.p - s->p) + name.n;
        if (name.n && (!is_braced || (n < s->n && s->p[n] == '}'))) {
            *out = (struct piece){PIECE_NAME, name, {NULL, 0}};
            *s = skip(*s, n + (size_t)is_braced);
            return 1;
        }
        n = 1;
    }
    while (n < s->n && s->p[n] != '$')
        n++;
    *out = (struct piece){PIECE_LITERAL, {s->p, n}, {NULL, 0}};
    *s = skip(*s, n);
    return 1;
}

/* ---- the table ------------------------------------------------------------*/

void
vars_init(struct vars *t, struct arena *arena)
{
    *t = (struct vars){.arena = arena};
}

const struct var *
vars_find(const struct vars *t, et_str name)
{
    size_t i;

    for (i = 0; i < t->n; i++)
        if (str_eq(t->v[i].name, name))
            return &t->v[i];
    return NULL;
}

const char *
vars_env(char *const *env, et_str name)
{
    for (; env && *env; env++)
        if (strncmp(*env, name.p, name.n) == 0 && (*env)[name.n] == '=')
            return *env + name.n + 1;
    return NULL;
}

int
vars_add(struct vars *t, const struct var *row)
{
    struct var *v;
    size_t cap = t->cap ? 2 * t->cap : 16;

    if (t->n == t->cap) {
        v = arena_alloc(t->arena, cap * sizeof(*v));
        if (!v)
            return ERR_NOMEM;
        if (t->n)
            memcpy(v, t->v, t->n * sizeof(*v));
        t->v = v;
        t->cap = cap;
    }
    t->v[t->n++] = *row;
    return 0;
}

/* A new row for name, value still unset; NULL without memory. */
static struct var *
add(struct vars *t, et_str name)
{
    struct var v = {.name = arena_dup(t->arena, name)};

    if (!v.name.p || vars_add(t, &v))
        return NULL;
    return &t->v[t->n - 1];
}

int
vars_capture_name(struct vars *t, char *const *env, et_str name)
{
    const char *value = vars_env(env, name);
    struct var *v;

    if (vars_find(t, name))
        return 0;
    v = add(t, name);
    if (v && value)
        v->value = arena_dup(t->arena, (et_str){value, strlen(value)});
    return v && (!value || v->value.p) ? 0 : ERR_NOMEM;
}

/* ---- files ----------------------------------------------------------------*/

/* "file:/absolute/path" for the PATH of ${file:PATH}, from captured variables;
 * {NULL,0} if one is unset (its name in *unset) or memory is short. */
static et_str
file_name(const struct vars *t, struct arena *a, const char *dir, et_str path,
          et_str *unset)
{
    struct piece piece;
    char *text = arena_printf(a, "%s", "");
    const struct var *v;
    et_str part, s;

    *unset = (et_str){NULL, 0};
    while (text && next_path_piece(&path, &piece)) {
        part = piece.text;
        if (piece.kind == PIECE_NAME) {
            v = vars_find(t, piece.text);
            if (!v || !v->value.p) {
                *unset = piece.text;
                return (et_str){NULL, 0};
            }
            part = v->value;
        }
        text = arena_printf(a, "%s%.*s", text, (int)part.n, part.p);
    }
    if (!text)
        return (et_str){NULL, 0};
    s = value_absolute(a, dir, (et_str){text, strlen(text)});
    text = s.p ? arena_printf(a, "file:%s", s.p) : NULL;
    return text ? (et_str){text, strlen(text)} : (et_str){NULL, 0};
}

static int
read_file(struct vars *t, struct var *v)
{
    char *p;
    size_t n;
    int rc = file_read(v->name.p + 5, VARS_MAX_FILE_BYTES, &p, &n);

    v->is_secret = 1;
    if (rc < 0) {
        v->why = arena_printf(t->arena, "%s", file_explain(rc));
        return v->why ? 0 : ERR_NOMEM;
    }
    if (n && p[n - 1] == '\n')
        n--;
    if (n && memchr(p, '\0', n))
        v->why = "it contains a NUL byte";
    else
        v->value = arena_dup(t->arena, (et_str){p, n});
    free(p);
    return v->why || v->value.p ? 0 : ERR_NOMEM;
}

static int
capture_file(struct vars *t, char *const *env, const char *dir, et_str path)
{
    struct piece piece;
    et_str rest = path, name, unset;
    struct var *v;
    int rc;

    while (next_path_piece(&rest, &piece)) {
        if (piece.kind != PIECE_NAME)
            continue;
        rc = vars_capture_name(t, env, piece.text);
        if (rc)
            return rc;
    }
    name = file_name(t, t->arena, dir, path, &unset);
    if (!name.p)
        return unset.p ? 0 : ERR_NOMEM;
    if (vars_find(t, name))
        return 0;
    v = add(t, name);
    return v ? read_file(t, v) : ERR_NOMEM;
}

static int
capture(struct vars *t, char *const *env, const char *dir, et_str value,
        int depth)
{
    struct piece piece;
    int rc = 0;

    while (!rc && next_piece(&value, &piece) > 0) {
        if (piece.kind == PIECE_FILE)
            rc = capture_file(t, env, dir, piece.text);
        if (piece.kind == PIECE_NAME)
            rc = vars_capture_name(t, env, piece.text);
        if (!rc && piece.dflt.p && depth < VARS_MAX_DEPTH)
            rc = capture(t, env, dir, piece.dflt, depth + 1);
    }
    return rc;
}

int
vars_capture(struct vars *t, char *const *env, const char *dir, et_str value)
{
    return capture(t, env, dir, value, 0);
}

/* ---- expansion ------------------------------------------------------------*/

struct expansion {
    const struct vars *t;
    const char *dir;
    struct arena *a;
    int *is_secret;
    char *why;
    size_t why_cap;
    size_t n;
    char text[INI_MAX_VALUE];
};

static int
append(struct expansion *x, et_str s)
{
    if (s.n > sizeof(x->text) - x->n) {
        snprintf(x->why, x->why_cap,
                 "longer than %u bytes after ${...} was replaced",
                 INI_MAX_VALUE);
        return ERR_INVALID;
    }
    if (s.n)
        memcpy(x->text + x->n, s.p, s.n);
    x->n += s.n;
    return 0;
}

static int
not_set(struct expansion *x, et_str name)
{
    snprintf(x->why, x->why_cap,
             "the environment variable %.*s is not set (${%.*s:-default} "
             "gives it a default)",
             (int)name.n, name.p, (int)name.n, name.p);
    return ERR_INVALID;
}

static int
append_file(struct expansion *x, et_str path)
{
    et_str unset, name = file_name(x->t, x->a, x->dir, path, &unset);
    const struct var *v;

    if (unset.p)
        return not_set(x, unset);
    if (!name.p)
        return ERR_NOMEM;
    v = vars_find(x->t, name);
    if (!v || !v->value.p) {
        snprintf(x->why, x->why_cap, "cannot read ${%s}: %s", name.p,
                 v ? v->why : "not captured");
        return ERR_INVALID;
    }
    *x->is_secret = 1;
    return append(x, v->value);
}

static int expand(struct expansion *x, et_str value, int depth);

static int
append_name(struct expansion *x, const struct piece *piece, int depth)
{
    const struct var *v = vars_find(x->t, piece->text);

    if (v && v->value.n)
        return append(x, v->value);
    if (piece->dflt.p)
        return expand(x, piece->dflt, depth + 1);
    return v && v->value.p ? 0 : not_set(x, piece->text);
}

static int
expand(struct expansion *x, et_str value, int depth)
{
    struct piece piece;
    char shown[300];
    et_str from = value;
    int rc = 0, more = 1;

    if (depth > VARS_MAX_DEPTH) {
        snprintf(x->why, x->why_cap, "${...} nested more than %d deep",
                 VARS_MAX_DEPTH);
        return ERR_INVALID;
    }
    while (!rc && (from = value, more = next_piece(&value, &piece)) > 0) {
        switch (piece.kind) {
        case PIECE_LITERAL: rc = append(x, piece.text); break;
        case PIECE_NAME: rc = append_name(x, &piece, depth); break;
        case PIECE_FILE: rc = append_file(x, piece.text); break;
        }
    }
    if (more < 0) {
        describe_text(from, shown, sizeof(shown));
        snprintf(x->why, x->why_cap,
                 "expected ${NAME}, ${NAME:-default} or ${file:/path} ($${ "
                 "for the two bytes), found \"%s\"",
                 shown);
        return ERR_INVALID;
    }
    return rc;
}

int
vars_expand(const struct vars *t, const char *dir, struct arena *a,
            et_str value, et_str *out, int *is_secret, char *why,
            size_t why_cap)
{
    struct expansion x;
    int rc;

    x.t = t;
    x.dir = dir;
    x.a = a;
    x.is_secret = is_secret;
    x.why = why;
    x.why_cap = why_cap;
    x.n = 0;
    rc = expand(&x, value, 0);
    if (rc)
        return rc;
    *out = arena_dup(a, (et_str){x.text, x.n});
    return out->p ? 0 : ERR_NOMEM;
}
