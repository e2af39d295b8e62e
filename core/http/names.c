/* SPDX-License-Identifier: BSD-2-Clause */
/* names.c - see names.h. */
#include "http/names.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "http/host.h"
#include "http/jobs.h"
#include "http/waits.h"
#include "os/sock.h"

#define NO_ADDRESS_LEN 200u /* of why there is none, which nobody reads */

struct name {
    struct name *next; /* in its bucket; the slab's while it is free */
    uint64_t hash;
    struct list link; /* of all */
    struct list waiters;
    struct names *names;
    struct wait *wait; /* until it is known; NULL: it is */
    struct job job;
    uint64_t end_ms; /* as long it is good */
    int32_t why;     /* there is no address */
    uint32_t n, len;
    struct addr v[NAMES_ADDRESSES]; /* the job's while there is a wait */
    char text[NAMES_LEN + 1];
};

int
names_init(struct names *s, struct host_worker *worker)
{
    s->worker = worker;
    s->seed = hash_seed_new();
    list_init(&s->all);
    memset(s->buckets, 0, sizeof s->buckets);
    return slab_init(&s->slab, sizeof(struct name), NAMES_MAX);
}

void
names_fini(struct names *s)
{
    if (s->slab.base)
        slab_fini(&s->slab);
}

/* ---- which there are -----------------------------------------------------*/

static struct name **
bucket_of(struct names *s, uint64_t hash)
{
    return &s->buckets[hash % NAMES_MAX];
}

static struct name *
known(struct names *s, et_str host, uint64_t hash)
{
    struct name *e = *bucket_of(s, hash);

    while (e && (e->hash != hash || e->len != host.n ||
                 memcmp(e->text, host.p, host.n) != 0))
        e = e->next;
    return e;
}

static void
forget(struct name *e)
{
    struct names *s = e->names;
    struct name **at = bucket_of(s, e->hash);

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    list_remove(&e->link);
    slab_give(&s->slab, e);
}

/* Room for one more: who was asked for longest ago goes, but nobody who is
 * being asked for. */
static struct name *
take(struct names *s)
{
    struct name *e = slab_take(&s->slab);

    for (struct list *l = s->all.prev; !e && l != &s->all; l = l->prev) {
        struct name *old = CONTAINER_OF(l, struct name, link);
        if (old->wait)
            continue;
        forget(old);
        return slab_take(&s->slab);
    }
    return e;
}

static struct name *
add(struct names *s, et_str host, uint64_t hash)
{
    struct name *e = take(s), **bucket = bucket_of(s, hash);

    if (!e)
        return NULL;
    *e = (struct name){
        .next = *bucket, .hash = hash, .names = s, .len = (uint32_t)host.n};
    *bucket = e;
    memcpy(e->text, host.p, host.n);
    list_init(&e->waiters);
    list_init(&e->link);
    list_push(&s->all, &e->link);
    return e;
}

/* ---- asking --------------------------------------------------------------*/

/* On a thread of the pool: how many. */
static int32_t
look_up(void *arg)
{
    struct sock_address found[NAMES_ADDRESSES];
    char why[NO_ADDRESS_LEN];
    struct name *e = arg;
    int n = sock_resolve(e->text, 0, found, NAMES_ADDRESSES, why, sizeof why);

    for (int i = 0; i < n; i++)
        addr_from_sockaddr((const struct sockaddr *)&found[i].addr, &e->v[i]);
    return n > 0 ? n : ET_ECONN;
}

static void
on_looked_up(struct wait *w, int32_t rc)
{
    struct name *e = w->owner;
    uint64_t now_ms = e->names->worker->clock->mono_ms;
    struct list *link;

    e->wait = NULL;
    e->n = rc > 0 ? (uint32_t)rc : 0;
    e->why = rc > 0 ? 0 : rc;
    e->end_ms = now_ms + (rc > 0 ? NAMES_KEEP_MS : NAMES_KEEP_BAD_MS);
    while ((link = list_pop(&e->waiters))) {
        struct names_waiter *waiter =
            CONTAINER_OF(link, struct names_waiter, link);
        waiter->on_named(waiter, e->v, e->n, e->why);
    }
}

/* 0, and it will be known; or why it will not. */
static int32_t
ask(struct name *e)
{
    struct host_worker *hw = e->names->worker;
    int32_t rc;

    e->wait = waits_arm(hw->waits, on_looked_up, e);
    if (!e->wait)
        return ET_ELIMIT;
    e->job =
        (struct job){.fn = look_up, .arg = e, .token = waits_token(e->wait)};
    rc = jobs_start(hw, &e->job, ET_PRIO_HIGH);
    if (rc == 0)
        return 0;
    waits_forget(e->wait);
    e->wait = NULL;
    return rc;
}

static int32_t
copy(const struct name *e, struct addr v[NAMES_ADDRESSES])
{
    if (e->n == 0)
        return e->why;
    memcpy(v, e->v, e->n * sizeof *v);
    return (int32_t)e->n;
}

int32_t
names_find(struct names *s, et_str host, struct names_waiter *w,
           struct addr v[NAMES_ADDRESSES])
{
    uint64_t hash = hash_bytes(host.p, host.n, s->seed);
    struct name *e;
    int32_t rc;

    list_init(&w->link);
    if (addr_parse(host, &v[0]) == 0)
        return 1;
    if (host.n > NAMES_LEN)
        return ET_EINVAL;
    e = known(s, host, hash);
    if (e) {
        list_remove(&e->link);
        list_push(&s->all, &e->link);
    }
    if (e && !e->wait && s->worker->clock->mono_ms < e->end_ms)
        return copy(e, v);
    if (!e && !(e = add(s, host, hash)))
        return ET_ELIMIT;
    if (!e->wait && (rc = ask(e)) < 0) {
        forget(e);
        return rc;
    }
    list_push_back(&e->waiters, &w->link);
    return 0;
}

void
names_leave(struct names_waiter *w)
{
    if (w->link.next)
        list_remove(&w->link);
}

/* A job that runs goes on, but its token is good for nothing any more. */
void
names_close(struct names *s)
{
    for (struct list *l = s->all.next; l != &s->all; l = l->next) {
        struct name *e = CONTAINER_OF(l, struct name, link);
        if (!e->wait)
            continue;
        (void)!jobs_withdraw(s->worker->jobs, &e->job);
        waits_forget(e->wait);
        e->wait = NULL;
    }
}
