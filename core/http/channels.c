/* SPDX-License-Identifier: BSD-2-Clause */
/* channels.c - see channels.h. */
#include "http/channels.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/str.h"
#include "http/message.h"

#define WORKERS_MAX 1024u
#define NAME_MAX_BYTES ET_CH_NAME_MAX
#define INTERESTS 256u
/* Of all messages' bytes, what may be on its way to one worker: if that is
 * stuck, others publish on to those who are not. */
#define SHARE 4u

/* A name that somebody on this worker subscribes to. */
struct topic {
    struct topic *next; /* in its bucket */
    uint64_t hash;
    struct list subscribers;
    size_t name_len;
    char name[NAME_MAX_BYTES];
};

/* What others see of a worker. */
struct box {
    _Alignas(64) struct channels *_Atomic channels; /* NULL: it has none */
    _Atomic size_t n_bytes; /* of messages on their way to it */
    /* Topics, by the upper bits of their hash: who subscribes, and whoever
     * hears of it then, knows that it is counted. */
    _Atomic uint32_t interests[INTERESTS];
};

/* Never freed: a plugin's thread may publish at any time. */
static struct {
    struct box boxes[WORKERS_MAX];
    _Atomic uint32_t n_boxes;  /* that were ever used */
    _Atomic uint32_t n_inside; /* threads that look at what may go */
    struct metrics *_Atomic metrics;
    uint64_t seed;
} hub;
static _Atomic size_t longest = SIZE_MAX; /* bytes of a message */

/* ---- what may go while others look at it ---------------------------------*/

static void
enter(void)
{
    atomic_fetch_add(&hub.n_inside, 1);
}

static void
leave(void)
{
    atomic_fetch_sub(&hub.n_inside, 1);
}

/* Who comes now sees what was stored before; who has come has left again. */
static void
wait_for_others(void)
{
    while (atomic_load(&hub.n_inside) > 0)
        sched_yield();
}

/* ---- the process ---------------------------------------------------------*/

void
channels_open(struct metrics *metrics)
{
    hub.seed = hash_seed_new();
    atomic_store(&hub.metrics, metrics);
}

void
channels_close(void)
{
    atomic_store(&hub.metrics, NULL);
    wait_for_others();
}

void
channels_limit(size_t max_message, size_t max_bytes)
{
    atomic_store(&longest, max_message);
    message_limit(max_bytes);
}

/* ---- a worker ------------------------------------------------------------*/

static uint32_t
power_of_two(uint32_t n)
{
    uint32_t p = 1;

    while (p < n)
        p *= 2;
    return p;
}

/* From now on the first n are looked into. */
static void
use_boxes(uint32_t n)
{
    uint32_t have = atomic_load(&hub.n_boxes);

    while (have < n && !atomic_compare_exchange_weak(&hub.n_boxes, &have, n))
        ;
}

static void on_again(void *reader, struct mail *mail);

int
channels_init(struct channels *c, uint32_t worker, uint32_t max,
              struct mailbox *mailbox, const struct clock *clock,
              struct metrics *metrics)
{
    struct box *box = &hub.boxes[worker];
    uint32_t n_buckets = power_of_two(max);

    CHECK(worker < WORKERS_MAX && max <= 1u << 30);
    *c = (struct channels){.mask = n_buckets - 1,
                           .max = max,
                           .worker = worker,
                           .mailbox = mailbox,
                           .clock = clock,
                           .again.deliver = on_again,
                           .metrics = metrics};
    c->buckets = calloc(n_buckets, sizeof(struct topic *));
    if (!c->buckets || slab_init(&c->topics, sizeof(struct topic), max) < 0) {
        channels_fini(c);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < INTERESTS; i++)
        atomic_store(&box->interests[i], 0);
    atomic_store(&box->n_bytes, 0);
    c->is_open = 1;
    atomic_store(&box->channels, c);
    use_boxes(worker + 1);
    return 0;
}

/* ---- topics --------------------------------------------------------------*/

static struct topic **
place_of(const struct channels *c, uint64_t hash, et_str name)
{
    struct topic **at = &c->buckets[hash & c->mask];

    while (*at && ((*at)->hash != hash ||
                   !str_eq((et_str){(*at)->name, (*at)->name_len}, name)))
        at = &(*at)->next;
    return at;
}

static _Atomic uint32_t *
interest_in(uint32_t worker, uint64_t hash)
{
    return &hub.boxes[worker].interests[hash >> 56];
}

static struct topic *
new_topic(struct channels *c, uint64_t hash, et_str name)
{
    struct topic *t = slab_take(&c->topics);

    if (!t)
        return NULL;
    t->next = NULL;
    t->hash = hash;
    t->name_len = name.n;
    memcpy(t->name, name.p, name.n);
    list_init(&t->subscribers);
    atomic_fetch_add(interest_in(c->worker, hash), 1);
    return t;
}

static void
drop_topic(struct channels *c, struct topic *t)
{
    et_str name = {t->name, t->name_len};
    struct topic **at = place_of(c, t->hash, name);

    CHECK(*at == t);
    *at = t->next;
    atomic_fetch_sub(interest_in(c->worker, t->hash), 1);
    slab_give(&c->topics, t);
}

static int
is_name(et_str name)
{
    return name.p && name.n > 0 && name.n <= NAME_MAX_BYTES;
}

int32_t
channels_subscribe(struct channels *c, struct subscriber *s, et_str name)
{
    struct topic **at;
    uint64_t hash;

    s->topic = NULL;
    if (!is_name(name))
        return ET_EINVAL;
    if (c->n_subscribers == c->max)
        return ET_ELIMIT;
    hash = hash_bytes(name.p, name.n, hub.seed);
    at = place_of(c, hash, name);
    if (!*at)
        *at = new_topic(c, hash, name);
    if (!*at)
        return ET_ELIMIT;
    s->topic = *at;
    s->channels = c;
    /* In front of all others: who is subscribed while they are told something
     * is not told that. */
    list_init(&s->link);
    list_insert(&s->topic->subscribers, &s->link);
    c->n_subscribers++;
    return 0;
}

et_str
channels_name(const struct subscriber *s)
{
    const struct topic *t = s->topic;

    return t ? (et_str){t->name, t->name_len} : (et_str){NULL, 0};
}

void
channels_unsubscribe(struct subscriber *s)
{
    struct channels *c = s->channels;
    struct topic *t = s->topic;

    if (!t)
        return;
    if (c->at == &s->link)
        c->at = s->link.next;
    list_remove(&s->link);
    s->topic = NULL;
    c->n_subscribers--;
    if (list_is_empty(&t->subscribers) && t != c->visited)
        drop_topic(c, t);
}

/* ---- telling -------------------------------------------------------------*/

/* The first message is told from the beginning. */
static void
begin(struct channels *c)
{
    const struct message *m = c->first->message;

    c->is_telling = 1;
    c->visited = *place_of(c, m->hash, m->name);
    c->at = c->visited ? c->visited->subscribers.next : NULL;
}

/* Everybody has been told of the first message, or is not to be. */
static void
end(struct channels *c)
{
    struct message_mail *to = c->first;
    struct topic *t = c->visited;

    c->first = to->next;
    c->is_telling = 0;
    c->visited = NULL;
    c->at = NULL;
    if (t && list_is_empty(&t->subscribers))
        drop_topic(c, t);
    atomic_fetch_sub_explicit(&hub.boxes[c->worker].n_bytes, to->message->bytes,
                              memory_order_relaxed);
    message_unref(to->message, 1);
}

/* Tell as many as this turn has room for: how many it were. */
static uint32_t
tell(struct channels *c)
{
    struct message *m = c->first->message;
    uint32_t told = 0;

    if (!c->is_telling)
        begin(c);
    while (c->visited && c->at != &c->visited->subscribers && c->n_left > 0) {
        struct subscriber *s = CONTAINER_OF(c->at, struct subscriber, link);
        uint32_t weight = s->is_light ? 1 : CHANNELS_LIGHT;
        c->at = c->at->next;
        c->n_left -= weight < c->n_left ? weight : c->n_left;
        told++;
        s->deliver(s, m);
    }
    if (!c->visited || c->at == &c->visited->subscribers)
        end(c);
    return told;
}

/* What a turn of the loop has room for; the rest in the next one. */
static void
work(struct channels *c)
{
    if (c->turn_ns != c->clock->mono_ns) {
        c->turn_ns = c->clock->mono_ns;
        c->n_left = CHANNELS_TURN * CHANNELS_LIGHT;
    }
    while (c->first && c->n_left > 0)
        metrics_add(c->metrics, METRIC_channel_delivered, tell(c));
    if (!c->first || c->is_posted)
        return;
    c->is_posted = 1;
    mailbox_post(c->mailbox, &c->again);
}

static void
on_again(void *reader, struct mail *mail)
{
    struct channels *c = CONTAINER_OF(mail, struct channels, again);

    (void)reader;
    c->is_posted = 0;
    if (c->is_open)
        work(c);
}

static void
deliver(void *reader, struct mail *mail)
{
    struct message_mail *to = CONTAINER_OF(mail, struct message_mail, mail);
    struct channels *c = to->to;

    (void)reader;
    to->next = NULL;
    if (c->first)
        c->last->next = to;
    else
        c->first = to;
    c->last = to;
    if (c->is_open)
        work(c);
    else
        end(c);
}

void
channels_leave(struct channels *c)
{
    c->is_open = 0;
    atomic_store(&hub.boxes[c->worker].channels, NULL);
    wait_for_others();
    while (c->first)
        end(c);
}

void
channels_fini(struct channels *c)
{
    if (c->is_open)
        channels_leave(c);
    free(c->buckets);
    slab_fini(&c->topics);
    c->buckets = NULL;
}

/* ---- publishing ----------------------------------------------------------*/

/* A worker each bit. */
struct workers {
    uint64_t bits[WORKERS_MAX / 64];
};

/* Who may have a topic of that hash: how many, or ET_ELIMIT: one of them has
 * too much before him already. */
static int32_t
find_interested(struct workers *w, uint64_t hash)
{
    uint32_t n_boxes = atomic_load_explicit(&hub.n_boxes, memory_order_acquire);
    size_t max_bytes = message_max_bytes() / SHARE;
    int32_t n = 0;

    memset(w, 0, sizeof *w);
    for (uint32_t i = 0; i < n_boxes; i++) {
        if (atomic_load_explicit(interest_in(i, hash), memory_order_acquire) ==
            0)
            continue;
        if (atomic_load_explicit(&hub.boxes[i].n_bytes, memory_order_relaxed) >
            max_bytes)
            return ET_ELIMIT;
        w->bits[i / 64] |= UINT64_C(1) << i % 64;
        n++;
    }
    return n;
}

/* On a thread that is inside: m, with a reference for it, to that worker. */
static void
post(struct message *m, struct message_mail *to, struct box *box)
{
    to->mail.deliver = deliver;
    to->to = atomic_load(&box->channels);
    if (!to->to) { /* it has gone meanwhile */
        message_unref(m, 1);
        return;
    }
    atomic_fetch_add_explicit(&box->n_bytes, m->bytes, memory_order_relaxed);
    mailbox_post(to->to->mailbox, &to->mail);
}

/* A mail for each that is in w. */
static void
post_all(struct message *m, const struct workers *w)
{
    uint32_t n = 0;

    message_ref(m, m->n_mails);
    for (uint32_t i = 0; n < m->n_mails; i++) {
        if (w->bits[i / 64] >> i % 64 & 1)
            post(m, &m->mails[n++], &hub.boxes[i]);
    }
}

static void
count(enum metric id)
{
    struct metrics *metrics = atomic_load(&hub.metrics);

    if (metrics)
        metrics_add_shared(metrics, id, 1);
}

int32_t
channels_publish(et_str name, et_str body)
{
    size_t max = atomic_load_explicit(&longest, memory_order_relaxed);
    struct message *m = NULL;
    struct workers w;
    uint64_t hash;
    int32_t rc;

    if (!is_name(name) || (!body.p && body.n > 0) || body.n > max)
        return ET_EINVAL;
    hash = hash_bytes(name.p, name.n, hub.seed);
    rc = find_interested(&w, hash);
    if (rc > 0)
        rc = message_new(&m, (uint32_t)rc, hash, name, body);
    enter();
    count(rc < 0 ? METRIC_channel_refused : METRIC_channel_published);
    if (m)
        post_all(m, &w);
    leave();
    if (m)
        message_unref(m, 1);
    return rc;
}
