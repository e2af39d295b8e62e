/* SPDX-License-Identifier: BSD-2-Clause */
/* plan.c - see plan.h. */
#include "plan.h"

#include <stdlib.h>

#include "words.h"

static int
coding_of(et_str name)
{
    int i;
    for (i = 0; i < CODINGS; i++)
        if (et_eq(name, et_s(coder_names[i])))
            return i;
    return -1;
}

/* Those that this build has no library for are left out: the same ini is good
 * everywhere. */
static int32_t
read_codings(struct plan *p, et_err *e)
{
    et_str list = p->o->codings, word;
    while ((word = words_next(&list)).n > 0) {
        const int i = coding_of(word);
        size_t k;
        if (i < 0)
            return et_seterr(e, "codings: \"%.*s\" is not br, zstd or gzip",
                             ET_STR(word));
        for (k = 0; k < p->n_codings; k++)
            if ((int)p->order[k] == i)
                return et_seterr(e, "codings: \"%.*s\" is there twice",
                                 ET_STR(word));
        if (coders[i])
            p->order[p->n_codings++] = (enum coding)i;
    }
    return 0;
}

/* A token, "/", a token, of which one end may be a star. */
static int
is_pattern(et_str s)
{
    if (s.n > 1 && s.p[0] == '*')
        s = et_sn(s.p + 1, s.n - 1);
    else if (s.n > 1 && s.p[s.n - 1] == '*')
        s.n--;
    return s.n > 0 && et_is_value(s) && !memchr(s.p, '*', s.n) &&
           !memchr(s.p, ',', s.n) && !memchr(s.p, ';', s.n);
}

static int32_t
read_types(struct plan *p, et_err *e)
{
    et_str list = p->o->types, word;
    p->types = calloc(p->o->types.n / 2 + 1, sizeof *p->types);
    if (!p->types)
        return et_seterr(e, "out of memory");
    while ((word = words_next(&list)).n > 0) {
        if (!is_pattern(word))
            return et_seterr(e, "types: \"%.*s\" is not a media type",
                             ET_STR(word));
        p->types[p->n_types++] = word;
    }
    return 0;
}

int32_t
plan_open(et_conf *c, const void *options, void *inst, et_err *e)
{
    struct plan *p = inst;
    int32_t rc;
    (void)c;
    p->o = options;
    while (INT64_C(1) << (p->bits + 1) <= p->o->window)
        p->bits++;
    rc = read_codings(p, e);
    if (rc == 0)
        rc = read_types(p, e);
    if (rc < 0)
        plan_close(p); /* is not called after a failed open */
    return rc;
}

void
plan_close(void *inst)
{
    free(((struct plan *)inst)->types);
}

static int
matches(et_str pattern, et_str type)
{
    const size_t n = pattern.n - 1;
    if (pattern.p[0] == '*')
        return type.n >= n && et_eq_nocase(et_sn(type.p + type.n - n, n),
                                           et_sn(pattern.p + 1, n));
    if (pattern.p[n] == '*')
        return type.n >= n &&
               et_eq_nocase(et_sn(type.p, n), et_sn(pattern.p, n));
    return et_eq_nocase(type, pattern);
}

int
plan_has_type(const struct plan *p, et_str type)
{
    size_t i;
    type = et_cut(&type, ';');
    for (i = 0; i < p->n_types; i++)
        if (type.n && matches(p->types[i], type))
            return 1;
    return 0;
}
