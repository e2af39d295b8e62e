/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - from the threads that log to the files; see log.h.
 *
 * Going to sleep: the consumer stores asleep, then looks at every ring and at
 * what was dropped again; a producer publishes, or counts what it drops, then
 * reads asleep.  All of these are sequentially consistent, so one of the two
 * sees the other.
 *
 * A report of what a ring dropped may find no room either.  Then n_said stays,
 * and the next one says it too. */
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log_file.h"
#include "base/log_out.h"
#include "base/log_text.h"
#include "base/ring.h"
#include "base/str.h"

enum kind { TEXT, LINE };

struct record {
    uint8_t kind; /* enum kind */
    uint8_t level;
    uint16_t where_len;
    uint32_t channel, text_len, wall_ns;
    int64_t wall_s;
    char data[]; /* where, then the text or line */
};

struct log_ring {
    struct ring ring;
    _Atomic uint64_t n_dropped; /* stored by the producer */
    uint64_t n_said;            /* of those, reported in the log */
    struct log_ring *next;
    char name[LOG_NAME_MAX + 1];
};

static _Atomic enum log_level max_level = LOG_INFO;
static _Atomic int wake_fd = -1, asleep;
static _Thread_local struct log_ring *own;

/* Held over everything in log_out.c and the list of rings, for as long as a
 * disk takes.  No thread with a ring needs it to log. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_ring *rings;

/* ---- settings -----------------------------------------------------------*/

void
log_use_ring(struct log_ring *r)
{
    own = r;
}

void
log_set_wake_fd(int fd)
{
    atomic_store_explicit(&wake_fd, fd, memory_order_relaxed);
}

void
log_set_level(enum log_level level)
{
    atomic_store_explicit(&max_level, level, memory_order_relaxed);
}

enum log_level
log_get_level(void)
{
    return atomic_load_explicit(&max_level, memory_order_relaxed);
}

void
log_set_format(enum log_format format)
{
    pthread_mutex_lock(&lock);
    log_out_set_format(format);
    pthread_mutex_unlock(&lock);
}

/* ---- threads that log ---------------------------------------------------*/

/* If the consumer sleeps. */
static void
wake(void)
{
    static const uint64_t one = 1;
    int fd;

    if (LIKELY(!atomic_load(&asleep)) || !atomic_exchange(&asleep, 0))
        return;
    fd = atomic_load_explicit(&wake_fd, memory_order_relaxed);
    /* An eventfd that takes no more has a wake-up pending. */
    if (fd >= 0 && write(fd, &one, sizeof one) < 0)
        return;
}

static void
count_dropped(struct log_ring *r)
{
    uint64_t n = atomic_load_explicit(&r->n_dropped, memory_order_relaxed);

    atomic_store(&r->n_dropped, n + 1);
    wake();
}

/* Queue what, followed by where and text. */
static int
queue(struct log_ring *r, const struct record *what, et_str where, et_str text)
{
    struct record *rec = ring_reserve(&r->ring, sizeof *rec + where.n + text.n);

    if (UNLIKELY(!rec)) {
        count_dropped(r);
        return ERR_LIMIT;
    }
    *rec = *what;
    rec->where_len = (uint16_t)where.n;
    rec->text_len = (uint32_t)text.n;
    if (where.n)
        memcpy(rec->data, where.p, where.n);
    if (text.n)
        memcpy(rec->data + where.n, text.p, text.n);
    ring_publish(&r->ring);
    wake();
    return 0;
}

static void
text_directly(const struct log_text *t)
{
    pthread_mutex_lock(&lock);
    (void)log_out_text(t);
    log_out_flush();
    pthread_mutex_unlock(&lock);
}

void
log_write(enum log_level level, const char *where, const char *p, size_t n)
{
    struct timespec ts;
    struct log_text t = {.level = level};
    struct record rec = {.kind = TEXT, .level = (uint8_t)level};

    if (level > log_get_level())
        return;
    if (level < LOG_ERROR) /* a plugin may ask for anything */
        t.level = rec.level = LOG_ERROR;
    clock_gettime(CLOCK_REALTIME, &ts);
    t.wall_s = rec.wall_s = ts.tv_sec;
    t.wall_ns = rec.wall_ns = (uint32_t)ts.tv_nsec;
    t.where = log_text_cut(str_from_z(where), LOG_WHERE_MAX);
    t.text = log_text_cut((et_str){p, n}, LOG_TEXT_MAX);
    if (own)
        (void)queue(own, &rec, t.where, t.text);
    else
        text_directly(&t);
}

void
log_printf(enum log_level level, const char *where, const char *fmt, ...)
{
    char text[LOG_TEXT_MAX + 2]; /* one more, to be cut at a character */
    va_list ap;
    int n;

    if (level > log_get_level())
        return;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n > sizeof text - 1)
        n = sizeof text - 1;
    log_write(level, where, text, (size_t)n);
}

static int
line_directly(uint32_t channel, const char *p, size_t n)
{
    int rc;

    pthread_mutex_lock(&lock);
    rc = log_out_line(channel, p, n);
    log_out_flush();
    pthread_mutex_unlock(&lock);
    return rc;
}

static int
line_too_long(void)
{
    if (own) {
        count_dropped(own);
    } else {
        pthread_mutex_lock(&lock);
        log_out_owe(1);
        pthread_mutex_unlock(&lock);
    }
    return ERR_LIMIT;
}

int
log_line(uint32_t channel, const char *p, size_t n)
{
    struct record rec = {.kind = LINE, .channel = channel};

    if (UNLIKELY(n > LOG_LINE_MAX))
        return line_too_long();
    if (UNLIKELY(!own))
        return line_directly(channel, p, n);
    return queue(own, &rec, (et_str){NULL, 0}, (et_str){p, n});
}

/* ---- the thread that writes ---------------------------------------------*/

static void
out(const struct log_ring *r, const struct record *rec)
{
    et_str where = {rec->where_len ? rec->data : NULL, rec->where_len};
    et_str text = {rec->data + rec->where_len, rec->text_len};

    if (rec->kind == LINE) {
        (void)log_out_line(rec->channel, text.p, text.n);
        return;
    }
    (void)log_out_text(&(struct log_text){.wall_s = rec->wall_s,
                                          .wall_ns = rec->wall_ns,
                                          .level = rec->level,
                                          .thread = str_from_z(r->name),
                                          .where = where,
                                          .text = text});
}

static size_t
drain(struct log_ring *r)
{
    const struct record *rec;
    size_t n = 0, bytes;

    ring_look(&r->ring);
    while ((rec = ring_peek(&r->ring, &bytes))) {
        out(r, rec);
        ring_pop(&r->ring);
        n++;
    }
    return n;
}

static size_t
drain_all(void)
{
    size_t n = 0;

    for (struct log_ring *r = rings; r; r = r->next)
        n += drain(r);
    return n;
}

static uint64_t
unsaid(const struct log_ring *r)
{
    return atomic_load(&r->n_dropped) - r->n_said;
}

/* 1 if there was something to say and room for it. */
static int
report(struct log_ring *r)
{
    uint64_t n = unsaid(r);

    if (n == 0 || log_out_report(r->name, "%ju log records dropped: no room",
                                 (uintmax_t)n) < 0)
        return 0;
    r->n_said += n;
    log_out_count_lost(n);
    return 1;
}

/* Into the files with it, and say what was lost. */
static void
flush(void)
{
    int n_said = 0;

    log_out_flush();
    for (struct log_ring *r = rings; r; r = r->next)
        n_said += report(r);
    if (n_said > 0)
        log_out_flush();
}

size_t
log_drain(void)
{
    size_t n;

    pthread_mutex_lock(&lock);
    atomic_store(&asleep, 0);
    n = drain_all();
    if (n == 0) {
        atomic_store(&asleep, 1);
        n = drain_all();
        if (n > 0)
            atomic_store(&asleep, 0);
    }
    flush();
    pthread_mutex_unlock(&lock);
    return n;
}

/* A reader that reads takes a pipe's capacity each time. */
void
log_finish(uint32_t ms)
{
    static const struct timespec pause = {0, 2000000};

    for (uint32_t waited = 0;; waited += 2) {
        (void)log_drain();
        if (!log_is_behind() || waited >= ms)
            return;
        nanosleep(&pause, NULL);
    }
}

int
log_is_behind(void)
{
    int is_behind;

    pthread_mutex_lock(&lock);
    is_behind = log_out_is_behind();
    for (struct log_ring *r = rings; r && !is_behind; r = r->next)
        is_behind = unsaid(r) > 0;
    pthread_mutex_unlock(&lock);
    return is_behind;
}

uint64_t
log_dropped(void)
{
    uint64_t n;

    pthread_mutex_lock(&lock);
    n = log_out_lost();
    for (struct log_ring *r = rings; r; r = r->next)
        n += unsaid(r);
    pthread_mutex_unlock(&lock);
    return n;
}

struct log_ring *
log_ring_new(const char *name, size_t len)
{
    struct log_ring *r = aligned_alloc(_Alignof(struct log_ring), sizeof *r);
    et_str cut = log_text_cut(str_from_z(name), LOG_NAME_MAX);

    if (!r)
        return NULL;
    memset(r, 0, sizeof *r);
    if (ring_init(&r->ring, len) < 0) {
        free(r);
        return NULL;
    }
    memcpy(r->name, cut.p, cut.n);
    pthread_mutex_lock(&lock);
    r->next = rings;
    rings = r;
    pthread_mutex_unlock(&lock);
    return r;
}

void
log_ring_free(struct log_ring *r)
{
    struct log_ring **at = &rings;

    if (!r)
        return;
    pthread_mutex_lock(&lock);
    drain(r);
    flush();
    log_out_owe(unsaid(r));
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    pthread_mutex_unlock(&lock);
    ring_fini(&r->ring);
    free(r);
}

/* ---- files --------------------------------------------------------------*/

void
log_raw(const char *p, size_t n)
{
    int fd = log_out_server_fd();
    ssize_t rc;

    for (; n > 0; p += rc, n -= (size_t)rc) {
        rc = write(fd, p, n);
        if (rc <= 0)
            return;
    }
}

/* What is open changes in the control thread only, so that between a look and
 * the change the lock may be left: whoever opens a file may log. */

int
log_server_open(const char *path)
{
    int fd = log_file_fetch(path), rc;

    pthread_mutex_lock(&lock);
    rc = log_out_server_open(path, fd);
    pthread_mutex_unlock(&lock);
    if (rc < 0)
        log_file_drop(path, fd);
    return rc;
}

int
log_channel_open(const char *path)
{
    int fd = log_out_needs_file(path) ? log_file_fetch(path) : -1, rc;

    pthread_mutex_lock(&lock);
    rc = log_out_channel_open(path, fd);
    pthread_mutex_unlock(&lock);
    if (rc < 0)
        log_file_drop(path, fd);
    return rc;
}

void
log_channel_close(int channel)
{
    pthread_mutex_lock(&lock);
    drain_all(); /* its last lines may still be in there */
    log_out_channel_close(channel);
    flush();
    pthread_mutex_unlock(&lock);
}

int
log_reopen(void)
{
    int n_failed = 0;

    for (uint32_t i = 0; i < log_out_n_files(); i++) {
        const char *path = log_out_path(i);
        int fd = path ? log_file_fetch(path) : -1;

        pthread_mutex_lock(&lock);
        n_failed += path ? log_out_renew(i, fd) : 0;
        flush();
        pthread_mutex_unlock(&lock);
    }
    return n_failed;
}

void
log_set_opener(int (*open)(void *arg, const char *path), void *arg)
{
    log_file_set_opener(open, arg);
}

int
log_open_path(const char *path)
{
    return log_file_open_path(path);
}
