/* SPDX-License-Identifier: BSD-2-Clause */
/* warm.c - see warm.h. */
#include "conn/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "conn/env.h"
#include "http/jobs.h"
#include "http/segment.h"
#include "http/waits.h"

/* Each look is a system call, and holes are rare: what was sent before was read
 * a window at a time. */
#define LOOK_BYTES (256u << 10)
#define PAGE_BYTES 4096u
#define END_MASK ((UINT64_C(1) << 48) - 1) /* no file is that long */
/* A job reads two windows: one is sent while nobody waits for the other. */
#define JOB_BYTES ((uint64_t)2 * WARM_BYTES)
#define READ_BYTES (64u << 10)

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct warm {
    struct env *env;
    struct warm_state *of; /* NULL: nobody waits */
    void (*on_warm)(void *arg);
    void *arg;
    struct wait *wait;
    struct job job;
    size_t block_bytes;
    int fd; /* of its own */
    uint64_t off, n;
};

/* ---- is it there? --------------------------------------------------------*/

/* For file systems without RWF_NOWAIT.  Refused (EPERM) for files that are
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

/* 1, 0, or below 0: that cannot be told.  So are the other two. */
static int
is_there(int fd, uint64_t at)
{
    char byte;
    struct iovec iov = {&byte, 1};

    if (preadv2(fd, &iov, 1, (off_t)at, RWF_NOWAIT) >= 0)
        return 1;
    return errno == EOPNOTSUPP || errno == ENOSYS ? -1 : errno != EAGAIN;
}

static int
is_warm(int fd, uint64_t off, uint64_t n)
{
    int rc = is_there(fd, off);

    if (rc < 0)
        return count_pages(fd, off, n);
    for (uint64_t at = LOOK_BYTES; rc && at < n; at += LOOK_BYTES)
        rc = is_there(fd, off + at);
    return rc && (n == 1 || is_there(fd, off + n - 1));
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t
warm_bytes(struct warm_state *w, const struct segment *s, uint64_t now_ms)
{
    uint64_t n = least(s->n, WARM_BYTES);
    int is_known = w->of == s && s->off < w->end, rc;

    if (is_known) {
        n = least(n, w->end - s->off);
        if (((now_ms - w->seen_ms) & WARM_CLOCK) < WARM_TRUST_MS)
            return n;
    }
    rc = is_warm(s->fd, s->off, n);
    if (rc <= 0)
        return is_known && w->n_jobs >= (rc < 0 ? 1 : WARM_JOBS) ? n : 0;
    if (!is_known)
        *w = (struct warm_state){.of = s, .end = (s->off + n) & END_MASK};
    w->seen_ms = now_ms & WARM_CLOCK;
    w->n_jobs = 0;
    return n;
}

/* ---- a job ---------------------------------------------------------------*/

/* Its bytes go nowhere: an error, or an early end, shows when it is sent.  To
 * close it may take its time, too. */
static int32_t
read_through(void *arg)
{
    struct warm *w = arg;
    char dropped[READ_BYTES];
    uint64_t done = 0;

    (void)readahead(w->fd, (off_t)w->off, (size_t)w->n);
    while (done < w->n) {
        uint64_t part = w->n - done < READ_BYTES ? w->n - done : READ_BYTES;
        ssize_t n = pread(w->fd, dropped, (size_t)part, (off_t)(w->off + done));
        if (n <= 0 && (n == 0 || errno != EINTR))
            break;
        if (n > 0)
            done += (uint64_t)n;
    }
    close(w->fd);
    w->fd = -1;
    return 0;
}

static void
warm_free(struct warm *w)
{
    if (w->fd >= 0)
        close(w->fd);
    blocks_give(&w->env->blocks, w, w->block_bytes);
}

static void
on_read(struct wait *wait, int32_t rc)
{
    struct warm *w = wait->owner;
    struct warm_state *of = w->of;
    void (*on_warm)(void *arg) = w->on_warm;
    void *arg = w->arg;

    (void)rc;
    if (of) {
        of->job = NULL;
        of->end = (w->off + w->n) & END_MASK;
    }
    warm_free(w);
    if (of)
        on_warm(arg);
}

static int
launch(struct warm *w)
{
    int32_t rc;

    w->wait = waits_arm(&w->env->waits, on_read, w);
    if (!w->wait)
        return ET_ELIMIT;
    w->job = (struct job){
        .fn = read_through, .arg = w, .token = waits_token(w->wait)};
    rc = jobs_start(&w->env->worker, &w->job, ET_PRIO_LOW);
    if (rc < 0)
        waits_forget(w->wait);
    return rc;
}

int
warm_start(struct warm_state *state, struct env *env, const struct segment *s,
           void (*on_warm)(void *arg), void *arg)
{
    size_t got;
    struct warm *w = blocks_take(&env->blocks, sizeof *w, &got);
    unsigned n_jobs = 1;
    int rc;

    if (!w)
        return ET_ENOMEM;
    *w = (struct warm){.env = env,
                       .of = state,
                       .on_warm = on_warm,
                       .arg = arg,
                       .block_bytes = got,
                       .fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0),
                       .off = s->off,
                       .n = s->n < JOB_BYTES ? s->n : JOB_BYTES};
    rc = w->fd < 0 ? ET_ELIMIT : launch(w);
    if (rc < 0) {
        warm_free(w);
        return rc;
    }
    if (state->of == s)
        n_jobs = state->n_jobs < WARM_JOBS ? state->n_jobs + 1u : WARM_JOBS;
    *state = (struct warm_state){
        .job = w, .of = s, .end = s->off & END_MASK, .n_jobs = n_jobs & 7u};
    warm_doubt(state, env->clock.mono_ms);
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
    if (!jobs_withdraw(w->env->worker.jobs, &w->job))
        return; /* it runs, or has run: on_read will free it */
    waits_forget(w->wait);
    warm_free(w);
}
