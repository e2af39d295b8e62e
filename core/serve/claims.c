/* SPDX-License-Identifier: BSD-2-Clause */
/* claims.c - which declared routes give way; see claims.h. */
#include "serve/claims.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct claim {
    struct claim *next;
    int64_t priority;
    et_str method, host;
    et_str shape; /* the pattern without the names of its parameters */
};

/* "/a/:x/ *rest" to "/a/:/ *" (without the blanks). */
static et_str
shape_of(struct arena *a, et_str pattern)
{
    char *p = arena_alloc(a, pattern.n + 1);
    size_t n = 0;
    int is_name = 0;

    if (!p)
        return (et_str){NULL, 0};
    for (size_t i = 0; i < pattern.n; i++) {
        char c = pattern.p[i];
        if (c == '/')
            is_name = 0;
        if (!is_name)
            p[n++] = c;
        if ((c == ':' || c == '*') && i > 0 && pattern.p[i - 1] == '/')
            is_name = 1;
    }
    return (et_str){p, n};
}

static int
is_taken(const struct claims *c, const struct claim *mine)
{
    for (const struct claim *o = c->first; o; o = o->next) {
        if (o->priority > mine->priority && str_eq(o->method, mine->method) &&
            str_eq(o->host, mine->host) && str_eq(o->shape, mine->shape))
            return 1;
    }
    return 0;
}

int
claims_add(struct claims *c, int64_t priority, et_str methods, et_str host,
           et_str pattern, et_str *left)
{
    struct claim like = {.priority = priority, .host = host};
    char *out = arena_alloc(c->arena, methods.n + 1);
    size_t n = 0;

    like.shape = shape_of(c->arena, pattern);
    if (!out || !like.shape.p)
        return ERR_NOMEM;
    for (size_t i = 0, end; i < methods.n; i = end + 1) {
        const char *comma = memchr(methods.p + i, ',', methods.n - i);
        struct claim *made;
        end = comma ? (size_t)(comma - methods.p) : methods.n;
        like.method = (et_str){methods.p + i, end - i};
        if (is_taken(c, &like))
            continue;
        if (n > 0)
            out[n++] = ',';
        memcpy(out + n, like.method.p, like.method.n);
        n += like.method.n;
        made = arena_alloc(c->arena, sizeof *made);
        if (!made)
            return ERR_NOMEM;
        *made = like;
        made->next = c->first;
        c->first = made;
    }
    *left = (et_str){out, n};
    return 0;
}
