/* SPDX-License-Identifier: BSD-2-Clause */
/* segment.c - a response body as a queue; see segment.h. */
#include "http/segment.h"

#include "os/closer.h"
#include "plug/guard.h"

static int
call_release(void *arg)
{
    const struct segment *s = arg;

    s->release(s->arg);
    return 0;
}

/* Code of whoever put it in; which plugin that is, its address tells. */
static void
release_ref(struct segment *s)
{
    const struct guard_who who = {.call = GUARD_RELEASE};

    (void)!guard_run(&who, call_release, s);
}

static void
segment_release(struct segment *s)
{
    if (s->kind == SEGMENT_FILE && !s->is_lent)
        closer_take(s->fd);
    else if (s->kind == SEGMENT_OWN)
        s->release(s->arg);
    else if (s->kind != SEGMENT_MEM && s->release)
        release_ref(s);
}

void
segment_put(struct segment_queue *q, struct segment *s)
{
    if (s->n == 0) {
        segment_release(s);
        return;
    }
    s->next = NULL;
    *q->last = s;
    q->last = &s->next;
    q->bytes += s->n;
}

void
segment_put_front(struct segment_queue *q, struct segment *s)
{
    CHECK(s->n > 0);
    s->next = q->first;
    if (!q->first)
        q->last = &s->next;
    q->first = s;
    q->bytes += s->n;
}

void
segment_consume(struct segment_queue *q, uint64_t n)
{
    struct segment *s = q->first;

    if (n == 0)
        return;
    CHECK(s && n <= s->n);
    q->bytes -= n;
    s->n -= n;
    if (s->kind == SEGMENT_FILE)
        s->off += n;
    else
        s->p += n;
    if (s->n > 0)
        return;
    q->first = s->next;
    if (!q->first)
        q->last = &q->first;
    segment_release(s);
}

void
segment_clear_all(struct segment_queue *q)
{
    struct segment *s, *next;

    for (s = q->first; s; s = next) {
        next = s->next;
        segment_release(s);
    }
    segment_init(q);
}
