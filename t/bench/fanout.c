/* SPDX-License-Identifier: BSD-2-Clause */
/* fanout.c - what a message of http/channels.h takes, to none and to many.
 *
 *     fanout [SUBSCRIBERS [BYTES]]
 *
 * One thread publishes messages of BYTES (64) and is the worker that delivers
 * them, with SUBSCRIBERS (1000) of the channel, each of which queues what comes
 * and takes it from its queue, as a task's does (http/subs.c), without the
 * switch to the task.  Prints nanoseconds, the best of 20 rounds: of a publish
 * that concerns nobody, of one to a single subscriber with its way through the
 * mailbox, and of each of many subscribers; and messages a second, published
 * and handed out, when two threads publish to two workers. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "http/backlog.h"
#include "http/channels.h"
#include "http/message.h"

#define ROUNDS 20
#define WORKERS 2
#define BATCH 256u
#define SECONDS 2

struct subscription {
    struct subscriber subscriber;
    struct backlog backlog;
    struct slab *chunks;
};

struct worker {
    struct channels channels;
    struct mailbox mailbox;
    struct clock clock;
    struct metrics metrics;
    struct slab chunks;
    struct subscription *v;
    uint32_t n;
};

static struct worker workers[WORKERS];
static struct metrics shared;
static const char payload[65536];
static et_str body = {payload, 64};

static void
on_message(struct subscriber *s, struct message *m)
{
    struct subscription *sub = CONTAINER_OF(s, struct subscription, subscriber);

    CHECK(backlog_push(&sub->backlog, sub->chunks, m) == 0);
    message_unref(backlog_pop(&sub->backlog, sub->chunks), 1);
}

static et_str
name_of(uint32_t i)
{
    static const char names[] = "abcdefgh";

    return (et_str){names + i, 1};
}

/* n subscribers of that name. */
static void
open_worker(uint32_t i, uint32_t n, uint32_t name)
{
    struct worker *w = &workers[i];

    CHECK(mailbox_open(&w->mailbox) == 0);
    CHECK(channels_init(&w->channels, i, n, &w->mailbox, &w->clock,
                        &w->metrics) == 0);
    CHECK(slab_init(&w->chunks, sizeof(struct backlog_chunk), 16) == 0);
    w->v = calloc(n, sizeof *w->v);
    CHECK(w->v != NULL);
    w->n = n;
    for (uint32_t k = 0; k < n; k++) {
        w->v[k].chunks = &w->chunks;
        w->v[k].subscriber.deliver = on_message;
        CHECK(channels_subscribe(&w->channels, &w->v[k].subscriber,
                                 name_of(name)) == 0);
    }
}

static void
deliver(struct worker *w)
{
    struct record v[MAILBOX_BATCH];

    do { /* turn after turn */
        w->clock.mono_ns++;
        mailbox_deliver(&w->mailbox, w);
    } while (mailbox_recv(&w->mailbox, v) > 0);
}

static void
close_worker(struct worker *w)
{
    channels_leave(&w->channels);
    deliver(w);
    for (uint32_t k = 0; k < w->n; k++)
        channels_unsubscribe(&w->v[k].subscriber);
    channels_fini(&w->channels);
    slab_fini(&w->chunks);
    mailbox_close(&w->mailbox, NULL);
    free(w->v);
}

/* Nanoseconds each of n messages takes, published and delivered. */
static double
publish(struct worker *w, uint32_t name, uint32_t n)
{
    double least = 1e18;

    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t began = clock_mono_ns();
        double each;
        for (uint32_t i = 0; i < n; i++) {
            CHECK(channels_publish(name_of(name), body) == 0);
            if (i % BATCH == BATCH - 1)
                deliver(w);
        }
        each = (double)(clock_mono_ns() - began) / n;
        least = each < least ? each : least;
    }
    return least;
}

static void
alone(uint32_t n)
{
    double one, many;

    open_worker(0, 1, 0);
    printf("to nobody: %.0f ns\n", publish(&workers[0], 1, 65536));
    one = publish(&workers[0], 0, 65536);
    printf("to one subscriber: %.0f ns\n", one);
    close_worker(&workers[0]);
    open_worker(0, n, 0);
    many = publish(&workers[0], 0, 8 * BATCH);
    printf("to %u subscribers: %.0f ns, each further one %.1f ns\n", n, many,
           n > 1 ? (many - one) / (n - 1) : 0.0);
    close_worker(&workers[0]);
}

static _Atomic int is_over;
static _Atomic uint64_t n_published;
static _Atomic uint32_t n_publishing;

static void *
publish_on(void *arg)
{
    uint64_t n = 0;

    (void)arg;
    while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
        if (channels_publish(name_of(0), body) == 0)
            n++;
        else
            sched_yield();
    }
    atomic_fetch_add(&n_published, n);
    atomic_fetch_sub(&n_publishing, 1);
    return NULL;
}

static void *
serve(void *arg)
{
    while (atomic_load_explicit(&n_publishing, memory_order_relaxed) > 0) {
        deliver(arg);
        sched_yield();
    }
    deliver(arg);
    return NULL;
}

static void
together(uint32_t n)
{
    pthread_t threads[2 * WORKERS];
    const struct timespec time = {.tv_sec = SECONDS};
    uint64_t n_delivered = 0;

    atomic_store(&n_publishing, WORKERS);
    for (uint32_t i = 0; i < WORKERS; i++)
        open_worker(i, n, 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        CHECK(pthread_create(&threads[i], NULL, serve, &workers[i]) == 0);
        CHECK(pthread_create(&threads[WORKERS + i], NULL, publish_on, NULL) ==
              0);
    }
    nanosleep(&time, NULL);
    atomic_store(&is_over, 1);
    for (uint32_t i = 0; i < 2 * WORKERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        n_delivered +=
            metrics_get(&workers[i].metrics, METRIC_channel_delivered);
        close_worker(&workers[i]);
    }
    printf("two threads to two workers, %u on each: %.0f messages a second, "
           "%.0f handed out\n",
           n, (double)atomic_load(&n_published) / SECONDS,
           (double)n_delivered / SECONDS);
}

int
main(int argc, char **argv)
{
    const uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;

    if (argc > 2)
        body.n = strtoul(argv[2], NULL, 10);
    CHECK(n > 0 && body.n <= sizeof payload);
    channels_open(&shared);
    channels_limit(sizeof payload, 64u << 20);
    alone(n);
    workers[0].metrics = (struct metrics){0};
    together(n);
    channels_close();
    return 0;
}
