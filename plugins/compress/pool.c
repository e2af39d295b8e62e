/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.c - see pool.h. */
#include "pool.h"

#include <stdlib.h>

size_t
context_bytes(const struct context *c)
{
    return sizeof *c + c->memory.bytes + c->coder->bytes(c->z) +
           (c->out ? CONTEXT_OUT : 0) + whole_bytes(&c->whole);
}

static void
drop(struct pool *p, struct context *c)
{
    p->n--;
    c->coder->end(c->z);
    memory_end(&c->memory);
    whole_end(&c->whole);
    free(c->out);
    free(c);
}

static struct context *
pop(struct pool *p, int nth)
{
    struct context *c = p->idle[nth];
    if (c) {
        p->idle[nth] = c->next;
        p->n_idle[nth]--;
    }
    return c;
}

/* There is room for one more: 1, if need be because one of another coder that
 * is idle goes. */
static int
make_room(struct pool *p)
{
    int i;
    for (i = 0; p->n >= p->max && i < CODERS; i++) {
        struct context *c = pop(p, i);
        if (c)
            drop(p, c);
    }
    return p->n < p->max;
}

static struct context *
make(struct pool *p, int nth)
{
    struct context *c = make_room(p) ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    c->nth = nth;
    c->coder = coders[nth];
    c->memory.max = CONTEXT_MAX;
    c->z = c->coder->make(&c->memory, p->level[nth], p->bits);
    if (!c->z) {
        memory_end(&c->memory);
        free(c);
        return NULL;
    }
    p->n++;
    return c;
}

struct context *
pool_take(struct pool *p, int nth, int64_t n)
{
    struct context *c = pop(p, nth);
    if (!c)
        c = make(p, nth);
    if (!c)
        return NULL;
    c->told = 0;
    if (c->coder->begin(c->z, n) == 0)
        return c;
    drop(p, c);
    return NULL;
}

/* It looks 32 KiB back, whatever is asked of it. */
struct context *
pool_take_whole(struct pool *p, enum coding coding, size_t n)
{
    const int is_other =
        coding == CODING_GZIP && p->bits >= 15 && coders[CODER_GZIP_WHOLE];
    return pool_take(p, is_other ? CODER_GZIP_WHOLE : (int)coding, (int64_t)n);
}

int32_t
pool_reserve(struct pool *p)
{
    if (p->n_reserved == p->max)
        return -1;
    p->n_reserved++;
    return 0;
}

void
pool_unreserve(struct pool *p)
{
    p->n_reserved--;
}

int32_t
context_widen(struct context *c)
{
    if (!c->out)
        c->out = malloc(CONTEXT_OUT);
    c->io.out = c->out;
    c->io.room = CONTEXT_OUT;
    return c->out ? 0 : -1;
}

void
pool_give(struct pool *p, struct context *c)
{
    if (c->is_broken || p->n_idle[c->nth] >= p->spare) {
        drop(p, c);
        return;
    }
    whole_rest(&c->whole);
    c->next = p->idle[c->nth];
    p->idle[c->nth] = c;
    p->n_idle[c->nth]++;
}

void
pool_end(struct pool *p)
{
    struct context *c;
    int i;
    for (i = 0; i < CODERS; i++)
        while ((c = pop(p, i)) != NULL)
            drop(p, c);
}
