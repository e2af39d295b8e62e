/* SPDX-License-Identifier: BSD-2-Clause */
/* body.c - receiving a request's body; see body.h. */
#include "conn/body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "conn/env.h"
#include "http/req.h"
#include "os/closer.h"

#define BODY_ARENA 4096u /* small bodies live in the request's arena */
#define BODY_BLOCK 8192u /* first block of one that turns out larger */

void
body_init(struct body *b, struct env *env, struct req *r, uint64_t max)
{
    memset(b, 0, sizeof *b);
    b->env = env;
    b->req = r;
    b->max = max;
    b->fd = -1;
    b->began_ms = env->clock.mono_ms;
    b->is_chunked = r->head.is_chunked;
    b->is_framed = r->head.version >= 20;
    if (b->is_chunked)
        chunked_init(&b->chunked, UINT64_MAX, env->limits.head.max_header);
    else
        b->left = (uint64_t)r->head.content_length;
}

uint64_t
body_remaining(const struct body *b)
{
    return b->is_chunked ? UINT64_MAX : b->left;
}

int
body_collect(struct body *b)
{
    if (!b->is_chunked && b->left > b->max)
        return ERR_BODY_LARGE;
    b->chunked.max_body = b->max; /* refused as soon as it is announced */
    b->collects = 1;
    return 0;
}

int
body_stream(struct body *b)
{
    if (b->streams)
        return b->failed;
    if (!b->is_chunked && b->left > b->max)
        b->failed = ERR_BODY_LARGE;
    b->chunked.max_body = b->max;
    b->streams = 1;
    return b->failed;
}

void
body_drop(struct body *b)
{
    b->chunked.max_body = UINT64_MAX;
    b->collects = 0;
}

/* Take n bytes of the shared memory budget; false when it is exhausted. */
static int
reserve(struct body *b, uint64_t n)
{
    struct body_budget *budget = b->env->budget;
    int64_t before = atomic_fetch_add_explicit(&budget->memory, (int64_t)n,
                                               memory_order_relaxed);

    if (before + (int64_t)n >
        atomic_load_explicit(&budget->memory_max, memory_order_relaxed)) {
        atomic_fetch_sub_explicit(&budget->memory, (int64_t)n,
                                  memory_order_relaxed);
        return 0;
    }
    b->reserved += n;
    return 1;
}

static void
unreserve(struct body *b, uint64_t n)
{
    atomic_fetch_sub_explicit(&b->env->budget->memory, (int64_t)n,
                              memory_order_relaxed);
    b->reserved -= n;
}

static void
release_memory(struct body *b)
{
    if (b->block)
        blocks_give(&b->env->blocks, b->p, b->block);
    if (b->map_len)
        munmap(b->p, b->map_len);
    if (b->reserved)
        unreserve(b, b->reserved);
    b->p = NULL;
    b->cap = b->block = b->map_len = 0;
}

/* Move what is collected into a block of at least want bytes; false if there
 * is no memory, or no budget, for it. */
static int
grow(struct body *b, size_t want)
{
    size_t got;
    uint64_t held = b->reserved;
    char *p;

    if (want > BLOCKS_MAX_BYTES || !reserve(b, want))
        return 0;
    p = blocks_take(&b->env->blocks, want, &got);
    if (!p) {
        unreserve(b, want);
        return 0;
    }
    if (b->n)
        memcpy(p, b->p, b->n);
    if (b->block)
        blocks_give(&b->env->blocks, b->p, b->block);
    if (held)
        unreserve(b, held);
    b->p = p;
    b->cap = b->block = got;
    return 1;
}

static int
write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return ERR_STORAGE;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

static int
temp_open(const char *dir)
{
    char path[sizeof((struct limits *)0)->temp_dir + 24];
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    strcpy(path, dir);
    strcat(path, "/etude-body-XXXXXX");
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

/* The body is refused, and why is said once until one is stored again. */
static int
fail_storage(struct body *b, const char *why)
{
    struct env *env = b->env;

    if (trouble_begin(&env->storage, env->clock.mono_ms))
        log_error("cannot buffer request bodies in %s: %s; they are answered "
                  "507",
                  env->limits.temp_dir, why);
    return ERR_STORAGE;
}

/* It is stored, and no step could look at it. */
static int
fail_memory(struct body *b)
{
    struct env *env = b->env;

    if (trouble_begin(&env->storage, env->clock.mono_ms))
        log_error("cannot map a request body of %llu bytes: %s; such are "
                  "answered 503",
                  (unsigned long long)b->n, strerror(errno));
    return ERR_NOMEM;
}

/* From memory to a file. */
static int
spill(struct body *b)
{
    const char *dir = b->env->limits.temp_dir;

    b->fd = temp_open(dir);
    if (b->fd < 0)
        return fail_storage(b, strerror(errno));
    metrics_add(b->env->metrics, METRIC_bodies_spilled, 1);
    if (b->n && write_all(b->fd, b->p, b->n) < 0)
        return fail_storage(b, strerror(errno));
    b->spilled = b->n;
    atomic_fetch_add_explicit(&b->env->budget->temp, (int64_t)b->n,
                              memory_order_relaxed);
    release_memory(b);
    return 0;
}

static int
append_file(struct body *b, et_str s)
{
    int64_t before = atomic_fetch_add_explicit(
        &b->env->budget->temp, (int64_t)s.n, memory_order_relaxed);

    b->spilled += s.n;
    if ((uint64_t)before + s.n > b->env->limits.temp_max)
        return fail_storage(b, "temp_max is reached");
    if (write_all(b->fd, s.p, s.n) < 0)
        return fail_storage(b, strerror(errno));
    return 0;
}

/* Room for n more bytes in memory, or 0: it has to be the file. */
static int
has_room(struct body *b, size_t n)
{
    uint64_t known = b->is_chunked ? 0 : b->n + b->left;
    uint64_t need = b->n + n, want = known > need ? known : need;

    if (need <= b->cap)
        return 1;
    if (want > b->env->limits.body_memory)
        return 0;
    if (!b->p && want <= BODY_ARENA && !b->is_chunked) {
        b->p = arena_alloc(&b->req->arena, want ? want : 1);
        b->cap = b->p ? want : 0;
        return b->p != NULL;
    }
    if (known == 0) {
        want = b->cap ? (uint64_t)b->cap * 2 : BODY_BLOCK;
        while (want < need)
            want *= 2;
    }
    return grow(b, want);
}

/* One decoded piece. */
static int
take(struct body *b, et_str s)
{
    int rc = 0;

    if (b->collects && s.n > b->max - (b->n < b->max ? b->n : b->max))
        return ERR_BODY_LARGE;
    if (b->collects && b->fd < 0 && !has_room(b, s.n))
        rc = spill(b);
    if (rc == 0 && b->collects) {
        if (b->fd >= 0)
            rc = append_file(b, s);
        else if (s.n)
            memcpy(b->p + b->n, s.p, s.n);
    }
    b->n += s.n;
    return rc;
}

/* What has come of the trailers is kept for who asks (RFC 9110 6.5). */
static int
keep_trailers(struct body *b)
{
    et_str more = b->chunked.trailer;
    struct req *r = b->req;
    size_t need = r->trailers.n + more.n;
    char *to = (char *)(uintptr_t)r->trailers.p;

    if (LIKELY(more.n == 0) || !(b->collects || b->streams))
        return 0;
    if (need > b->trailers_cap) {
        to = arena_alloc(&r->arena, 2 * need);
        if (!to)
            return ERR_NOMEM;
        if (r->trailers.n)
            memcpy(to, r->trailers.p, r->trailers.n);
        b->trailers_cap = (uint32_t)(2 * need);
    }
    memcpy(to + r->trailers.n, more.p, more.n);
    r->trailers = (et_str){to, need};
    return 0;
}

static int
complete(struct body *b)
{
    b->req->body_bytes = (int64_t)b->n;
    if (!b->collects)
        return BODY_DONE;
    if (b->fd >= 0) {
        void *p = mmap(NULL, b->n, PROT_READ, MAP_PRIVATE, b->fd, 0);
        if (p == MAP_FAILED)
            return fail_memory(b);
        b->p = p;
        b->map_len = b->n;
        if (trouble_end(&b->env->storage))
            log_info("request bodies are buffered again");
    }
    b->req->body = (et_str){b->p ? b->p : "", b->n};
    return BODY_DONE;
}

static int
feed_length(struct body *b, const char *p, size_t n, size_t *used)
{
    size_t k = n < b->left ? n : (size_t)b->left;
    int rc = take(b, (et_str){p, k});

    *used = k;
    if (rc < 0)
        return rc;
    b->left -= k;
    return b->left > 0 ? BODY_MORE : complete(b);
}

static int
feed_chunked(struct body *b, const char *p, size_t n, size_t *used)
{
    *used = 0;
    for (;;) {
        size_t k;
        et_str data;
        int rc = chunked_next(&b->chunked, p + *used, n - *used, &k, &data);
        *used += k;
        if (rc >= 0 && keep_trailers(b) < 0)
            return ERR_NOMEM;
        if (rc < 0)
            return rc;
        if (rc == CHUNKED_DONE)
            return complete(b);
        if (rc == CHUNKED_MORE)
            return BODY_MORE;
        rc = take(b, data);
        if (rc < 0)
            return rc;
    }
}

static int64_t
read_length(struct body *b, const char *p, size_t n, size_t *used, char *out,
            size_t cap)
{
    size_t k = n < cap ? n : cap;

    if (k > b->left)
        k = (size_t)b->left;
    memcpy(out, p, k);
    b->left -= k;
    *used = k;
    return (int64_t)k;
}

/* A span that is handed out is no longer than what is looked at. */
static int64_t
read_chunked(struct body *b, const char *p, size_t n, size_t *used, char *out,
             size_t cap, int *is_done)
{
    size_t got = 0;

    *used = 0;
    while (got < cap) {
        size_t most = n - *used < cap - got ? n - *used : cap - got, k;
        et_str data;
        int rc = chunked_next(&b->chunked, p + *used, most, &k, &data);
        *used += k;
        if (rc >= 0 && keep_trailers(b) < 0)
            rc = ERR_NOMEM;
        if (rc < 0) { /* what is in front of it is good */
            b->failed = rc;
            break;
        }
        if (rc == CHUNKED_DONE)
            *is_done = 1;
        if (rc == CHUNKED_DATA) {
            memcpy(out + got, data.p, data.n);
            got += data.n;
        } else if (*is_done || *used == n) {
            break;
        }
    }
    return got == 0 ? b->failed : (int64_t)got;
}

/* The frames around it are somebody else's. */
static int
feed_framed(struct body *b, const char *p, size_t n, size_t *used)
{
    *used = n;
    b->left -= n < b->left ? n : b->left;
    return take(b, (et_str){p, n});
}

static int64_t
read_framed(struct body *b, const char *p, size_t n, size_t *used, char *out,
            size_t cap, int *is_done)
{
    size_t k = n < cap ? n : cap;

    if (b->n + k > b->max)
        b->failed = ERR_BODY_LARGE;
    if (b->failed)
        return b->failed;
    memcpy(out, p, k);
    *used = k;
    b->left -= k < b->left ? k : b->left;
    *is_done = b->is_shut && k == n;
    return (int64_t)k;
}

int
body_shut(struct body *b)
{
    b->is_shut = 1;
    return b->collects ? complete(b) : BODY_DONE;
}

int64_t
body_read(struct body *b, const char *p, size_t n, size_t *used, char *out,
          size_t cap, int *is_done)
{
    int64_t got;

    *is_done = 0;
    *used = 0;
    if (b->is_framed)
        got = read_framed(b, p, n, used, out, cap, is_done);
    else if (b->is_chunked)
        got = read_chunked(b, p, n, used, out, cap, is_done);
    else
        got = read_length(b, p, n, used, out, cap);
    if (got > 0)
        b->n += (uint64_t)got;
    if (!b->is_chunked && !b->is_framed)
        *is_done = b->left == 0;
    if (*is_done)
        b->req->body_bytes = (int64_t)b->n;
    return got;
}

int
body_feed(struct body *b, const char *p, size_t n, size_t *used)
{
    if (b->is_framed)
        return feed_framed(b, p, n, used);
    return b->is_chunked ? feed_chunked(b, p, n, used)
                         : feed_length(b, p, n, used);
}

void
body_fini(struct body *b)
{
    release_memory(b);
    if (b->fd >= 0)
        closer_take(b->fd);
    b->fd = -1;
    if (b->spilled)
        atomic_fetch_sub_explicit(&b->env->budget->temp, (int64_t)b->spilled,
                                  memory_order_relaxed);
    b->spilled = 0;
}
