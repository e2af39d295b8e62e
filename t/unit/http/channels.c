/* SPDX-License-Identifier: BSD-2-Clause */
/* channels.c - what is published is told to whoever is subscribed, in order,
 * whoever comes and goes meanwhile.
 * tags: asan tsan */
/* ldflags: -Wl,--wrap=malloc,--wrap=calloc,--wrap=mmap */
#include "http/channels.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "http/message.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define WORKERS 2
#define MAX 64u

struct worker {
    struct channels channels;
    struct mailbox mailbox;
    struct clock clock;
    struct metrics metrics;
};

/* ---- memory that ends -----------------------------------------------------*/

static int fails_in; /* 1: the next request for memory; 0: none */

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);

static int
fails(void)
{
    return fails_in > 0 && --fails_in == 0;
}

void *
__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off)
{
    return fails() ? MAP_FAILED : __real_mmap(p, n, prot, flags, fd, off);
}

/* ---- workers -------------------------------------------------------------*/

static struct worker workers[WORKERS];
static struct metrics shared;

static void
open_large_worker(uint32_t i, uint32_t max)
{
    struct worker *w = &workers[i];

    ck_assert_int_eq(mailbox_open(&w->mailbox), 0);
    w->metrics = (struct metrics){0};
    ck_assert_int_eq(channels_init(&w->channels, i, max, &w->mailbox, &w->clock,
                                   &w->metrics),
                     0);
}

static void
open_worker(uint32_t i)
{
    open_large_worker(i, MAX);
}

static void
close_worker(uint32_t i)
{
    struct worker *w = &workers[i];

    channels_leave(&w->channels);
    mailbox_deliver(&w->mailbox, w);
    ck_assert_uint_eq(w->channels.n_subscribers, 0);
    ck_assert_uint_eq(w->channels.topics.n_used, 0);
    mailbox_close(&w->mailbox, NULL);
    channels_fini(&w->channels);
}

static void
set_up(void)
{
    shared = (struct metrics){0};
    channels_open(&shared);
    channels_limit(1024, SIZE_MAX);
    for (uint32_t i = 0; i < WORKERS; i++)
        open_worker(i);
}

static void
tear_down(void)
{
    for (uint32_t i = 0; i < WORKERS; i++)
        close_worker(i);
    channels_close();
    ck_assert_uint_eq(message_bytes(), 0);
}

/* A turn of its loop: whether there was anything. */
static int
turn(uint32_t i)
{
    struct record v[MAILBOX_BATCH];
    int n = 0;

    workers[i].clock.mono_ns++;
    while (mailbox_recv(&workers[i].mailbox, v) > 0)
        n = 1;
    mailbox_deliver(&workers[i].mailbox, &workers[i]);
    return n;
}

static void
deliver(uint32_t i)
{
    while (turn(i))
        ;
}

static et_str
text(const char *z)
{
    return (et_str){z, strlen(z)};
}

/* ---- one thread ----------------------------------------------------------*/

struct ear {
    struct subscriber subscriber;
    void (*then)(struct ear *e);
    struct ear *other;
    char heard[128];
};

static void
hear(struct subscriber *s, struct message *m)
{
    struct ear *e = CONTAINER_OF(s, struct ear, subscriber);

    snprintf(e->heard + strlen(e->heard), sizeof e->heard - strlen(e->heard),
             "%.*s ", (int)m->body.n, m->body.p);
    if (e->then)
        e->then(e);
}

static int32_t
subscribe(uint32_t worker, struct ear *e, et_str name)
{
    e->subscriber.deliver = hear;
    return channels_subscribe(&workers[worker].channels, &e->subscriber, name);
}

static void
unsubscribe(struct ear *e)
{
    channels_unsubscribe(&e->subscriber);
}

START_TEST(whoever_is_subscribed_is_told_later)
{
    struct ear a = {0}, b = {0}, c = {0}, d = {0};

    set_up();
    ck_assert_int_eq(subscribe(0, &a, text("x")), 0);
    ck_assert_int_eq(subscribe(0, &b, text("x")), 0);
    ck_assert_int_eq(subscribe(1, &c, text("x")), 0);
    ck_assert_int_eq(subscribe(0, &d, text("y")), 0);
    ck_assert_int_eq(channels_publish(text("x"), text("1")), 0);
    ck_assert_int_eq(channels_publish(text("x"), text("2")), 0);
    ck_assert_int_eq(channels_publish(text("y"), text("3")), 0);
    ck_assert_str_eq(a.heard, ""); /* never from within */
    deliver(0);
    ck_assert_str_eq(a.heard, "1 2 ");
    ck_assert_str_eq(b.heard, "1 2 ");
    ck_assert_str_eq(d.heard, "3 ");
    ck_assert_str_eq(c.heard, "");
    deliver(1);
    ck_assert_str_eq(c.heard, "1 2 ");
    ck_assert_uint_eq(message_bytes(), 0);
    unsubscribe(&a);
    unsubscribe(&a);
    ck_assert_int_eq(channels_publish(text("x"), text("4")), 0);
    deliver(0);
    ck_assert_str_eq(a.heard, "1 2 ");
    ck_assert_str_eq(b.heard, "1 2 4 ");
    ck_assert_uint_eq(
        metrics_get(&workers[0].metrics, METRIC_channel_delivered), 6);
    ck_assert_uint_eq(metrics_get(&shared, METRIC_channel_published), 4);
    unsubscribe(&b);
    unsubscribe(&c);
    unsubscribe(&d);
    tear_down();
}
END_TEST

/* Without a subscriber there is not even a message. */
START_TEST(whom_it_does_not_concern_is_left_alone)
{
    struct ear a = {0};

    set_up();
    ck_assert_int_eq(channels_publish(text("x"), text("1")), 0);
    ck_assert_uint_eq(message_bytes(), 0);
    ck_assert_int_eq(subscribe(1, &a, text("x")), 0);
    ck_assert_int_eq(channels_publish(text("x"), text("2")), 0);
    ck_assert_ptr_null(mpsc_take_all(&workers[0].mailbox.list));
    unsubscribe(&a);
    deliver(1); /* too late */
    ck_assert_str_eq(a.heard, "");
    ck_assert_uint_eq(message_bytes(), 0);
    ck_assert_int_eq(channels_publish(text("x"), text("3")), 0);
    ck_assert_uint_eq(message_bytes(), 0);
    tear_down();
}
END_TEST

START_TEST(names_are_any_bytes)
{
    char longest[256];
    struct ear a = {0}, b = {0}, c = {0}, d = {0};

    memset(longest, 0xff, sizeof longest);
    set_up();
    ck_assert_int_eq(subscribe(0, &a, (et_str){"a\0b", 3}), 0);
    ck_assert_int_eq(subscribe(0, &b, (et_str){"a\0c", 3}), 0);
    ck_assert_int_eq(subscribe(0, &c, (et_str){longest, 255}), 0);
    ck_assert_int_eq(subscribe(0, &d, (et_str){longest, 256}), ET_EINVAL);
    ck_assert_int_eq(subscribe(0, &d, (et_str){longest, 0}), ET_EINVAL);
    ck_assert_int_eq(subscribe(0, &d, (et_str){NULL, 0}), ET_EINVAL);
    unsubscribe(&d);
    ck_assert_int_eq(channels_publish((et_str){"a\0b", 3}, text("1")), 0);
    ck_assert_int_eq(channels_publish((et_str){"a\0", 2}, text("2")), 0);
    ck_assert_int_eq(channels_publish((et_str){longest, 255}, text("3")), 0);
    ck_assert_int_eq(channels_publish((et_str){longest, 254}, text("4")), 0);
    ck_assert_int_eq(channels_publish((et_str){longest, 256}, text("5")),
                     ET_EINVAL);
    ck_assert_int_eq(channels_publish((et_str){longest, 0}, text("5")),
                     ET_EINVAL);
    deliver(0);
    ck_assert_str_eq(a.heard, "1 ");
    ck_assert_str_eq(b.heard, "");
    ck_assert_str_eq(c.heard, "3 ");
    unsubscribe(&a);
    unsubscribe(&b);
    unsubscribe(&c);
    tear_down();
}
END_TEST

/* To a channel of the other worker: 0.  By eight bits of their hash a few
 * channels concern this one, too, and it has too much before it already. */
static int32_t
publish_other(struct ear *e, et_str body)
{
    int32_t rc = -1;
    char name[24];

    for (int i = 0; i < 64 && rc < 0; i++) {
        snprintf(name, sizeof name, "other-%d", i);
        ck_assert_int_eq(subscribe(1, e, text(name)), 0);
        rc = channels_publish(text(name), body);
        unsubscribe(e);
        deliver(1);
    }
    return rc;
}

START_TEST(all_of_it_is_bounded)
{
    static struct ear ears[MAX + 1];
    char name[16], large[1025] = {0};
    int n = 0;

    set_up();
    for (uint32_t i = 0; i <= MAX; i++) {
        snprintf(name, sizeof name, "%u", i);
        ck_assert_int_eq(subscribe(0, &ears[i], text(name)),
                         i < MAX ? 0 : ET_ELIMIT);
    }
    ck_assert_int_eq(channels_publish(text("1"), (et_str){large, 1025}),
                     ET_EINVAL);
    ck_assert_int_eq(channels_publish(text("1"), (et_str){NULL, 1}), ET_EINVAL);
    ck_assert_int_eq(channels_publish(text("1"), (et_str){NULL, 0}), 0);
    channels_limit(1024, 16384);
    while (channels_publish(text("1"), (et_str){large, 1024}) == 0)
        n++;
    ck_assert_int_ge(n, 4); /* a quarter, and the one that is beyond it */
    ck_assert_int_le(n, 5);
    ck_assert_int_eq(channels_publish(text("1"), (et_str){large, 1024}),
                     ET_ELIMIT);
    ck_assert_uint_eq(metrics_get(&shared, METRIC_channel_refused), 2);
    ck_assert_int_eq(publish_other(&ears[MAX], (et_str){large, 1024}), 0);
    deliver(0);
    ck_assert_int_eq(channels_publish(text("1"), (et_str){large, 1024}), 0);
    for (uint32_t i = 0; i < MAX; i++)
        unsubscribe(&ears[i]);
    tear_down();
}
END_TEST

START_TEST(memory_may_end_anywhere)
{
    struct channels c;
    struct ear a = {0};
    int32_t rc;
    int n = 0;

    set_up();
    ck_assert_int_eq(subscribe(0, &a, text("x")), 0);
    fails_in = 1;
    rc = channels_publish(text("x"), text("1"));
    ck_assert_int_eq(fails_in, 0);
    ck_assert_int_eq(rc, ET_ENOMEM);
    ck_assert_uint_eq(message_bytes(), 0);
    ck_assert_uint_eq(metrics_get(&shared, METRIC_channel_refused), 1);
    ck_assert_int_eq(channels_publish(text("x"), text("2")), 0);
    deliver(0);
    ck_assert_str_eq(a.heard, "2 ");
    unsubscribe(&a);
    do {
        fails_in = ++n;
        rc = channels_init(&c, 5, MAX, &workers[0].mailbox, &workers[0].clock,
                           &shared);
    } while (rc < 0);
    fails_in = 0;
    ck_assert_int_eq(n, 3);
    channels_fini(&c);
    channels_fini(&c); /* as of a worker that did not begin */
    tear_down();
}
END_TEST

/* ---- within a deliver ----------------------------------------------------*/

static void
end_both(struct ear *e)
{
    unsubscribe(e);
    unsubscribe(e->other);
}

static void
end_other(struct ear *e)
{
    unsubscribe(e->other);
}

static void
begin_other(struct ear *e)
{
    if (!e->other->subscriber.topic)
        ck_assert_int_eq(subscribe(0, e->other, text("x")), 0);
}

static void
move(struct ear *e)
{
    unsubscribe(e);
    ck_assert_int_eq(subscribe(0, e, text("x")), 0);
    ck_assert_int_eq(channels_publish(text("x"), text("more")), 0);
    e->then = NULL;
}

/* c, b, a: who subscribed last is told first. */
static void
publish_to_three(struct ear *a, struct ear *b, struct ear *c)
{
    ck_assert_int_eq(subscribe(0, a, text("x")), 0);
    ck_assert_int_eq(subscribe(0, b, text("x")), 0);
    ck_assert_int_eq(subscribe(0, c, text("x")), 0);
    ck_assert_int_eq(channels_publish(text("x"), text("1")), 0);
    deliver(0);
}

START_TEST(others_may_go_meanwhile)
{
    struct ear a = {0}, b = {0}, c = {.then = end_both, .other = &b};

    set_up();
    publish_to_three(&a, &b, &c);
    ck_assert_str_eq(a.heard, "1 ");
    ck_assert_str_eq(b.heard, "");
    unsubscribe(&a);

    a = (struct ear){.then = end_both, .other = &b}; /* who is behind it */
    b = (struct ear){.then = end_both, .other = &c};
    c = (struct ear){0};
    publish_to_three(&a, &b, &c);
    ck_assert_str_eq(c.heard, "1 ");
    ck_assert_str_eq(b.heard, "1 ");
    ck_assert_str_eq(a.heard, "1 "); /* and the topic is gone */
    ck_assert_uint_eq(workers[0].channels.topics.n_used, 0);

    a = (struct ear){.then = end_other, .other = &c};
    b = c = (struct ear){0};
    publish_to_three(&a, &b, &c);
    ck_assert_int_eq(channels_publish(text("x"), text("2")), 0);
    deliver(0);
    ck_assert_str_eq(c.heard, "1 ");
    ck_assert_str_eq(b.heard, "1 2 ");
    unsubscribe(&a);
    unsubscribe(&b);
    tear_down();
}
END_TEST

START_TEST(others_may_come_meanwhile)
{
    struct ear a = {0}, late = {0}, b = {.then = begin_other, .other = &late},
               c = {0};

    set_up();
    publish_to_three(&a, &b, &c);
    ck_assert_str_eq(late.heard, ""); /* but not to hear this one */
    ck_assert_int_eq(channels_publish(text("x"), text("2")), 0);
    deliver(0);
    ck_assert_str_eq(late.heard, "2 ");
    ck_assert_str_eq(a.heard, "1 2 ");
    unsubscribe(&a);
    unsubscribe(&b);
    unsubscribe(&c);
    unsubscribe(&late);

    a = (struct ear){.then = move};
    ck_assert_int_eq(subscribe(0, &a, text("x")), 0);
    ck_assert_int_eq(channels_publish(text("x"), text("1")), 0);
    (void)turn(0);
    ck_assert_str_eq(a.heard, "1 ");
    (void)turn(0);
    ck_assert_str_eq(a.heard, "1 more ");
    unsubscribe(&a);
    tear_down();
}
END_TEST

/* ---- many subscribers ----------------------------------------------------*/

static uint32_t n_told;

static void
be_told(struct subscriber *s, struct message *m)
{
    (void)s;
    (void)m;
    n_told++;
}

#define MANY (3 * CHANNELS_TURN)

static struct subscriber many[MANY + 1];

static void
subscribe_many(void)
{
    close_worker(0);
    open_large_worker(0, MANY + 1);
    for (uint32_t i = 0; i < MANY; i++) {
        many[i].deliver = be_told;
        many[i].is_light = 0;
        ck_assert_int_eq(
            channels_subscribe(&workers[0].channels, &many[i], text("x")), 0);
    }
    n_told = 0;
}

START_TEST(a_turn_tells_so_many)
{
    set_up();
    subscribe_many();
    ck_assert_int_eq(channels_publish(text("x"), text("1")), 0);
    ck_assert_int_eq(channels_publish(text("x"), text("2")), 0);
    for (uint32_t i = 1; i <= 6; i++) {
        ck_assert_int_eq(turn(0), 1);
        ck_assert_uint_eq(n_told, i * CHANNELS_TURN);
        ck_assert_int_eq(message_bytes() > 0, i < 6);
    }
    ck_assert_int_eq(turn(0), 0);
    for (uint32_t i = 0; i < MANY; i++)
        channels_unsubscribe(&many[i]);
    tear_down();
}
END_TEST

START_TEST(a_turn_tells_many_more_that_are_light)
{
    const uint32_t all = 6 * MANY, most = CHANNELS_TURN * CHANNELS_LIGHT;

    set_up();
    subscribe_many();
    for (uint32_t i = 0; i < MANY; i++)
        many[i].is_light = 1;
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(channels_publish(text("x"), text("1")), 0);
    ck_assert_uint_gt(all, most);
    (void)turn(0);
    ck_assert_uint_eq(n_told, most);
    (void)turn(0);
    ck_assert_uint_eq(n_told, all);
    ck_assert_uint_eq(message_bytes(), 0);
    for (uint32_t i = 0; i < MANY; i++)
        channels_unsubscribe(&many[i]);
    tear_down();
}
END_TEST

START_TEST(between_two_turns_they_come_and_go)
{
    set_up();
    subscribe_many();
    ck_assert_int_eq(channels_publish(text("x"), text("1")), 0);
    ck_assert_int_eq(channels_publish(text("y"), text("2")), 0);
    (void)turn(0);
    ck_assert_uint_eq(n_told, CHANNELS_TURN);
    for (uint32_t i = 0; i < MANY; i++) /* told or not */
        channels_unsubscribe(&many[i]);
    many[MANY].deliver = be_told;
    ck_assert_int_eq(
        channels_subscribe(&workers[0].channels, &many[MANY], text("x")), 0);
    deliver(0);
    ck_assert_uint_eq(n_told, CHANNELS_TURN);
    ck_assert_uint_eq(message_bytes(), 0);
    ck_assert_int_eq(channels_publish(text("x"), text("3")), 0);
    deliver(0);
    ck_assert_uint_eq(n_told, CHANNELS_TURN + 1);
    channels_unsubscribe(&many[MANY]);
    tear_down();
}
END_TEST

START_TEST(a_worker_may_go_in_the_middle)
{
    set_up();
    subscribe_many();
    ck_assert_int_eq(channels_publish(text("x"), text("1")), 0);
    ck_assert_int_eq(channels_publish(text("x"), text("2")), 0);
    (void)turn(0);
    ck_assert_int_eq(channels_publish(text("x"), text("3")), 0);
    channels_leave(&workers[0].channels);
    ck_assert_int_eq(channels_publish(text("x"), text("4")), 0);
    deliver(0);
    ck_assert_uint_eq(n_told, CHANNELS_TURN);
    for (uint32_t i = 0; i < MANY; i++)
        channels_unsubscribe(&many[i]);
    tear_down();
}
END_TEST

/* ---- many threads --------------------------------------------------------*/

#if defined(__SANITIZE_THREAD__)
#define ROUNDS 8000u
#else
#define ROUNDS 20000u
#endif
#define PUBLISHERS 4u
#define NAMES 5u

/* What is published: who, and the how manieth of his it is. */
struct note {
    uint32_t publisher, name, n;
};

struct listener {
    struct subscriber subscriber;
    uint32_t name;
    uint32_t next[PUBLISHERS]; /* not below that */
    uint32_t n_heard;
    int hears_all;
};

static _Atomic uint32_t n_publishing;

static et_str
name_of(uint32_t i)
{
    static const char names[NAMES][2] = {"a", "b", "c", "d", "e"};

    return (et_str){names[i], 1};
}

static void
listen(struct subscriber *s, struct message *m)
{
    struct listener *l = CONTAINER_OF(s, struct listener, subscriber);
    struct note note;

    ck_assert_uint_eq(m->body.n, sizeof note);
    memcpy(&note, m->body.p, sizeof note);
    ck_assert_uint_eq(note.name, l->name);
    ck_assert_uint_ge(note.n, l->next[note.publisher]);
    if (l->hears_all)
        ck_assert_uint_eq(note.n, l->next[note.publisher]);
    l->next[note.publisher] = note.n + 1;
    l->n_heard++;
}

/* Each name in turn; of those of a name, 0, 1, 2 ... */
static void *
publish_many(void *arg)
{
    struct note note = {.publisher = (uint32_t)(uintptr_t)arg};

    for (uint32_t i = 0; i < ROUNDS; i++) {
        note.name = i % NAMES;
        note.n = i / NAMES;
        while (channels_publish(name_of(note.name),
                                (et_str){(const char *)&note, sizeof note}) < 0)
            sched_yield(); /* for room */
    }
    atomic_fetch_sub(&n_publishing, 1);
    return NULL;
}

static void
begin(uint32_t worker, struct listener *l, uint32_t name)
{
    *l = (struct listener){.name = name, .subscriber.deliver = listen};
    ck_assert_int_eq(channels_subscribe(&workers[worker].channels,
                                        &l->subscriber, name_of(name)),
                     0);
}

static _Atomic uint32_t n_ready;

/* A worker on which one hears all of a name, and others come and go. */
static void *
serve(void *arg)
{
    uint32_t worker = (uint32_t)(uintptr_t)arg;
    struct listener all, v[16];
    unsigned seed = worker;

    memset(v, 0, sizeof v);
    begin(worker, &all, worker);
    all.hears_all = 1;
    atomic_fetch_add(&n_ready, 1);
    while (atomic_load(&n_publishing) > 0) {
        struct listener *l = &v[(uint32_t)rand_r(&seed) % 16];
        if (l->subscriber.topic)
            channels_unsubscribe(&l->subscriber);
        else
            begin(worker, l, (uint32_t)rand_r(&seed) % NAMES);
        (void)turn(worker);
    }
    deliver(worker);
    ck_assert_uint_eq(all.n_heard, PUBLISHERS * (ROUNDS / NAMES));
    channels_unsubscribe(&all.subscriber);
    for (int i = 0; i < 16; i++)
        channels_unsubscribe(&v[i].subscriber);
    return NULL;
}

static void
start(pthread_t *threads, uint32_t n, void *(*fn)(void *arg))
{
    for (uint32_t i = 0; i < n; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, fn, (void *)(uintptr_t)i), 0);
}

static void
join(pthread_t *threads, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

START_TEST(each_hears_each_publisher_in_order)
{
    pthread_t publishers[PUBLISHERS], servers[WORKERS];

    set_up();
    channels_limit(1024, 256 << 10);
    atomic_store(&n_publishing, PUBLISHERS);
    atomic_store(&n_ready, 0);
    start(servers, WORKERS, serve);
    while (atomic_load(&n_ready) < WORKERS)
        sched_yield();
    start(publishers, PUBLISHERS, publish_many);
    join(publishers, PUBLISHERS);
    join(servers, WORKERS);
    ck_assert_uint_eq(metrics_get(&shared, METRIC_channel_published),
                      PUBLISHERS * ROUNDS);
    tear_down();
}
END_TEST

static _Atomic int is_over;

static void *
publish_on(void *arg)
{
    struct note note = {.name = (uint32_t)(uintptr_t)arg % NAMES};

    while (!atomic_load(&is_over))
        (void)channels_publish(name_of(note.name),
                               (et_str){(const char *)&note, sizeof note});
    return NULL;
}

static void
count(struct subscriber *s, struct message *m)
{
    (void)m;
    CONTAINER_OF(s, struct listener, subscriber)->n_heard++;
}

/* Its mailbox is closed, and opened again, while others publish. */
START_TEST(a_worker_may_go_meanwhile)
{
    pthread_t publishers[PUBLISHERS];
    struct listener l;

    set_up();
    atomic_store(&is_over, 0);
    channels_limit(1024, 64 << 10);
    start(publishers, PUBLISHERS, publish_on);
    for (int i = 0; i < 100; i++) {
        begin(1, &l, 2);
        l.subscriber.deliver = count;
        while (l.n_heard < 3)
            (void)turn(1);
        channels_unsubscribe(&l.subscriber);
        close_worker(1);
        open_worker(1);
    }
    atomic_store(&is_over, 1);
    join(publishers, PUBLISHERS);
    tear_down();
}
END_TEST

UNIT_MAIN(channels, whoever_is_subscribed_is_told_later,
          whom_it_does_not_concern_is_left_alone, names_are_any_bytes,
          all_of_it_is_bounded, memory_may_end_anywhere,
          others_may_go_meanwhile, others_may_come_meanwhile,
          a_turn_tells_so_many, a_turn_tells_many_more_that_are_light,
          between_two_turns_they_come_and_go, a_worker_may_go_in_the_middle,
          each_hears_each_publisher_in_order, a_worker_may_go_meanwhile)
