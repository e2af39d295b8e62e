/* SPDX-License-Identifier: BSD-2-Clause */
/* warm.c - see warm.h. */
#include "conn/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "conn/env.h"
#include "http/jobs.h"
#include "http/segment.h"
#include "http/waits.h"
#include "os/closer.h"
#include "os/filesys.h"

/* Each look is a system call, and holes are rare: what was sent before was read
 * far ahead. */
#define LOOK_BYTES (256u << 10)
#define PAGE_BYTES 4096u
#define END_MASK ((UINT64_C(1) << 48) - 1) /* no file is that long */
/* What a job asks for ahead, and what of that it waits for and hands over. */
#define AHEAD_BYTES (2u << 20)
#define HAND_BYTES (128u << 10)
/* When it is tried again, if nobody was left to read it. */
#define AGAIN_MS 10u

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct warm {
    struct env *env;
    struct warm_state *of; /* NULL: nobody waits, and it is a stray */
    struct segment_queue *queue;
    void (*on_warm)(void *arg);
    void *arg;
    struct wait *wait;
    struct job job;
    struct wheel_timer again; /* armed: there is no job */
    struct segment in_hand;   /* of the queue, when it is handed over */
    size_t block_bytes;
    int fd; /* of its own */
    uint64_t off, ahead;
    uint32_t n, done; /* to be read, and read */
    uint64_t number;  /* of its file system */
    int is_local;
    char bytes[];
};

/* ---- is it there? --------------------------------------------------------*/

/* Of what cannot be told by RWF_NOWAIT.  Refused (EPERM) for files that are
 * neither ours nor writable: then it cannot be told. */
static int
count_pages(int fd, uint64_t off, uint64_t n)
{
    struct {
        uint64_t off, len;
    } range = {off, n};
    struct {
        uint64_t cached, dirty, writeback, evicted, evicted_lately;
    } stat;
    uint64_t pages = (off + n - 1) / PAGE_BYTES - off / PAGE_BYTES + 1;

    return syscall(SYS_cachestat, fd, &range, &stat, 0) < 0
               ? -1
               : stat.cached >= pages;
}

/* 1, 0, or below 0: that cannot be told. */
static int
is_there(int fd, uint64_t at)
{
    char byte;
    struct iovec iov = {&byte, 1};

    if (preadv2(fd, &iov, 1, (off_t)at, RWF_NOWAIT) >= 0)
        return 1;
    return errno == EOPNOTSUPP || errno == ENOSYS ? -1 : errno != EAGAIN;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How much of n bytes is there, from off on. */
static uint64_t
look(int fd, uint64_t off, uint64_t n)
{
    uint64_t at = LOOK_BYTES;

    while (at < n && is_there(fd, off + at) > 0)
        at += LOOK_BYTES;
    if (at >= n && is_there(fd, off + n - 1) > 0)
        return n;
    at = least(at, n - 1) / LOOK_BYTES * LOOK_BYTES;
    return at > 0 && is_there(fd, off + at - 1) > 0 ? at : 0;
}

static struct warm_place *
find_place(struct warm_places *p, uint64_t number)
{
    for (unsigned i = 0; i < WARM_PLACES; i++) {
        if (p->v[i].number == number)
            return &p->v[i];
    }
    return NULL;
}

static void
know_place(struct warm_places *p, uint64_t number, int is_local)
{
    struct warm_place *place = find_place(p, number);

    if (!place) {
        place = &p->v[p->next];
        p->next = (p->next + 1) % WARM_PLACES;
    }
    *place = (struct warm_place){number, (uint8_t)is_local};
}

/* As look, where that cannot tell.  Pages count that are still being read, and
 * some throw them out while they are sent: that is good enough for a disk of
 * this machine, and for nothing else. */
static uint64_t
count(struct env *env, int fd, uint64_t off, uint64_t n)
{
    const struct warm_place *place =
        find_place(&env->warm_places, filesys_of(fd));

    if (!place || !place->is_local)
        return 0;
    if (count_pages(fd, off, n) > 0)
        return n;
    return n > LOOK_BYTES && count_pages(fd, off, LOOK_BYTES) > 0 ? LOOK_BYTES
                                                                  : 0;
}

uint64_t
warm_bytes(struct warm_state *w, struct env *env, const struct segment *s)
{
    uint64_t n = least(s->n, WARM_BYTES), now_ms = env->clock.mono_ms;
    int is_told;

    if (w->job)
        return 0;
    if (w->of == s && s->off < w->end &&
        (w->is_lent || ((now_ms - w->seen_ms) & WARM_CLOCK) < WARM_TRUST_MS))
        return least(n, w->end - s->off);
    is_told = is_there(s->fd, s->off);
    if (is_told < 0)
        n = count(env, s->fd, s->off, n);
    else
        n = is_told ? look(s->fd, s->off, n) : 0;
    if (n > 0) {
        *w = (struct warm_state){.of = s, .end = (s->off + n) & END_MASK};
        w->seen_ms = now_ms & WARM_CLOCK;
        if (is_told < 0)
            warm_doubt(w, now_ms);
    }
    return n;
}

/* ---- a job ---------------------------------------------------------------*/

/* To close it may take its time, too: nobody waits for that. */
static int32_t
read_some(void *arg)
{
    struct warm *w = arg;

    w->number = filesys_of(w->fd);
    w->is_local = filesys_is_local(w->fd);
    if (w->is_local) /* others may throw it out again */
        (void)readahead(w->fd, (off_t)w->off, (size_t)w->ahead);
    while (w->done < w->n) {
        ssize_t n = pread(w->fd, w->bytes + w->done, w->n - w->done,
                          (off_t)(w->off + w->done));
        if (n <= 0 && (n == 0 || errno != EINTR))
            break;
        if (n > 0)
            w->done += (uint32_t)n;
    }
    closer_take(w->fd);
    w->fd = -1;
    return 0;
}

static void
warm_free(void *arg)
{
    struct warm *w = arg;

    if (w->fd >= 0)
        closer_take(w->fd);
    blocks_give(&w->env->blocks, w, w->block_bytes);
}

/* What was read takes the place of the front of its file. */
static void
hand_over(struct warm *w)
{
    w->in_hand = (struct segment){.kind = SEGMENT_OWN,
                                  .p = w->bytes,
                                  .n = w->done,
                                  .release = warm_free,
                                  .arg = w};
    segment_consume(w->queue, w->done);
    segment_put_front(w->queue, &w->in_hand);
}

static void
on_read(struct wait *wait, int32_t rc)
{
    struct warm *w = wait->owner;
    struct warm_state *of = w->of;
    void (*on_warm)(void *arg) = w->on_warm;
    void *arg = w->arg;
    int is_read = rc == 0 && w->done > 0;

    if (w->number)
        know_place(&w->env->warm_places, w->number, w->is_local);
    if (of)
        *of = (struct warm_state){.is_broken = !is_read};
    else
        w->env->n_strays--;
    if (of && is_read)
        hand_over(w);
    else
        warm_free(w);
    if (of)
        on_warm(arg);
}

static int
launch(struct warm *w)
{
    int32_t rc;

    w->wait = w->fd < 0 ? NULL : waits_arm(&w->env->waits, on_read, w);
    if (!w->wait)
        return -1;
    w->job =
        (struct job){.fn = read_some, .arg = w, .token = waits_token(w->wait)};
    rc = jobs_start(&w->env->worker, &w->job, ET_PRIO_LOW);
    if (rc < 0)
        waits_forget(w->wait);
    return rc < 0 ? -1 : 0;
}

/* Of a large file, up to the end of a page. */
static uint32_t
fit(const struct segment *s, size_t most)
{
    if (s->n <= most)
        return (uint32_t)s->n;
    return (uint32_t)(most - (s->off + most) % PAGE_BYTES);
}

/* What knows whom to tell, with room for n bytes. */
static struct warm *
warm_new(const struct warm *like, size_t n)
{
    size_t got;
    struct warm *w = blocks_take(&like->env->blocks, sizeof *w + n, &got);

    if (w) {
        *w = *like;
        w->block_bytes = got;
        w->fd = -1;
    }
    return w;
}

static struct warm *
read_front(const struct warm *like, const struct segment *s)
{
    size_t most = HAND_BYTES - sizeof *like;
    struct warm *w = warm_new(like, least(s->n, most));

    if (!w)
        return NULL;
    w->fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
    w->off = s->off;
    w->ahead = least(s->n, AHEAD_BYTES);
    w->n = fit(s, most);
    if (launch(w) == 0)
        return w;
    warm_free(w);
    return NULL;
}

static void
on_again(struct wheel_timer *t, uint64_t now_ms)
{
    struct warm *w = CONTAINER_OF(t, struct warm, again);
    void (*on_warm)(void *arg) = w->on_warm;
    void *arg = w->arg;

    (void)now_ms;
    *w->of = (struct warm_state){0};
    warm_free(w);
    on_warm(arg);
}

/* No descriptor, no thread, or too many jobs wait: others have their turn. */
static struct warm *
wait_a_bit(const struct warm *like)
{
    struct warm *w = warm_new(like, 0);

    if (!w)
        return NULL;
    w->again.fn = on_again;
    wheel_arm(&w->env->wheel, &w->again, w->env->clock.mono_ms + AGAIN_MS);
    return w;
}

int
warm_start(struct warm_state *state, struct env *env, struct segment_queue *q,
           void (*on_warm)(void *arg), void *arg)
{
    const struct warm like = {
        .env = env, .of = state, .queue = q, .on_warm = on_warm, .arg = arg};
    struct warm *w;

    if (state->job)
        return 0;
    if (state->is_broken)
        return -EIO;
    w = read_front(&like, segment_peek(q));
    if (!w)
        w = wait_a_bit(&like);
    if (!w)
        return -ENOMEM;
    *state = (struct warm_state){.job = w};
    return 0;
}

void
warm_forget(struct warm_state *state)
{
    struct warm *w = state->job;

    if (LIKELY(!w))
        return;
    state->job = NULL;
    w->of = NULL;
    if (wheel_is_armed(&w->again)) {
        wheel_cancel(&w->env->wheel, &w->again);
    } else if (!jobs_withdraw(w->env->worker.jobs, &w->job)) {
        w->env->n_strays++; /* it runs, or has run: on_read will free it */
        return;
    } else {
        waits_forget(w->wait);
    }
    warm_free(w);
}
