/* SPDX-License-Identifier: BSD-2-Clause */
/* fill.c - see fill.h. */
#include "fill.h"

#define BUCKETS 1024u

int32_t
fills_init(struct fills *s, et_loop *loop, uint64_t patience_ms)
{
    memset(s, 0, sizeof *s);
    s->loop = loop;
    s->patience_ms = patience_ms;
    s->buckets = calloc(BUCKETS, sizeof(struct fill *));
    s->mask = BUCKETS - 1;
    return s->buckets ? 0 : ET_ENOMEM;
}

void
fills_fini(struct fills *s)
{
    free(s->buckets);
}

struct fill *
fills_find(const struct fills *s, const struct key *k, et_str selected,
           uint64_t now_ms)
{
    struct fill *f;
    for (f = s->buckets[k->hash & s->mask]; f; f = f->chain)
        if (f->leads && now_ms < f->began_ms + s->patience_ms &&
            key_eq(&f->key, k) && et_eq(f->selected, selected))
            return f;
    return NULL;
}

void
fill_begin(struct fills *s, struct fill *f)
{
    struct fill **bucket = &s->buckets[f->key.hash & s->mask];
    f->waiters = NULL;
    f->last = &f->waiters;
    f->timer = 0;
    f->chain = *bucket;
    if (f->chain)
        f->chain->at = &f->chain;
    f->at = bucket;
    *bucket = f;
    s->n++;
}

/* It leads no more. */
static void
release(const et_async *async, struct fill *f)
{
    struct waiter *w = f->waiters, *next;
    f->leads = 0;
    f->waiters = NULL;
    f->last = &f->waiters;
    for (; w; w = next) {
        next = w->next;
        w->next = NULL;
        w->at = NULL;
        (void)et_resume(async, w->token, 0); /* its client may have gone */
    }
}

static void
on_slow(et_loop *l, void *arg)
{
    struct fill *f = arg;
    f->timer = 0;
    release(l->async, f);
}

void
fill_end(struct fills *s, struct fill *f)
{
    if (!f->at)
        return;
    *f->at = f->chain;
    if (f->chain)
        f->chain->at = f->at;
    f->at = NULL;
    s->n--;
    if (f->timer)
        (void)et_loop_cancel(s->loop, f->timer);
    release(s->loop->async, f);
}

int32_t
fill_wait(struct fills *s, struct fill *f, struct waiter *w, et_token token,
          uint64_t now_ms)
{
    if (!f->timer)
        f->timer = et_loop_timer(s->loop, f->began_ms + s->patience_ms - now_ms,
                                 on_slow, f);
    if (!f->timer)
        return ET_ELIMIT;
    w->fill = f;
    w->token = token;
    w->next = NULL;
    w->at = f->last;
    *f->last = w;
    f->last = &w->next;
    return 0;
}

void
fill_leave(struct waiter *w)
{
    if (!w->at)
        return;
    *w->at = w->next;
    *(w->next ? &w->next->at : &w->fill->last) = w->at;
    w->at = NULL;
}

void
fills_void_key(struct fills *s, const struct key *k)
{
    struct fill *f;
    for (f = s->buckets[k->hash & s->mask]; f; f = f->chain)
        if (key_eq(&f->key, k))
            f->is_void = 1;
}

void
fills_void_matching(struct fills *s, et_str pattern)
{
    struct fill *f;
    uint32_t i;
    for (i = 0; i <= s->mask; i++)
        for (f = s->buckets[i]; f; f = f->chain)
            if (key_matches(&f->key, pattern))
                f->is_void = 1;
}
