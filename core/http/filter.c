/* SPDX-License-Identifier: BSD-2-Clause */
/* filter.c - see filter.h. */
#include "http/filter.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/arena.h"
#include "http/req.h"
#include "http/task.h"
#include "http/writer.h"

/* What a file is read by, and memory handed on by, on its way through. */
#define PIECE 16384u
#define RETRY_MS 10u

/* ---- the steps -----------------------------------------------------------*/

static int32_t
ask(et_req *pub, uint8_t only_looks)
{
    struct req *r = req_of(pub);
    const struct chain_member *m = &r->chain->members[r->member];
    struct filter **at = &r->resp.filters, *f;

    if (!m->filter || r->phase != CHAIN_IN_RESPONSE || r->resp.committed ||
        !chain_is_at(r))
        return ET_EPHASE;
    if (r->resp.is_written && !only_looks)
        r->resp.left = RESP_ANY_LENGTH;
    while (*at) {
        if ((*at)->member == r->member) {
            (*at)->only_looks &= only_looks;
            return 0;
        }
        at = &(*at)->next;
    }
    if (!r->resp.filters) {
        r->resp.passing = NULL;
        segment_init(&r->resp.source);
    }
    f = arena_alloc(&r->arena, sizeof *f);
    if (!f) {
        r->is_spoilt = 1;
        return ET_ENOMEM;
    }
    *f = (struct filter){.fn = m->filter,
                         .self = m->self,
                         .member = r->member,
                         .only_looks = only_looks};
    *at = f;
    return 0;
}

int32_t
filter_ask(et_req *pub)
{
    return ask(pub, 0);
}

int32_t
filter_ask_to_look(et_req *pub)
{
    return ask(pub, 1);
}

int
filter_only_looks(const struct req *r)
{
    const struct filter *f = r->resp.filters;

    while (f && f->only_looks)
        f = f->next;
    return !f;
}

/* Through f and those further out; NULL: written. */
static int32_t
pass(struct req *r, struct filter *f, const void *p, size_t n, uint32_t flags)
{
    struct filter *was = r->resp.passing;
    uint8_t member = r->member;
    int32_t rc;

    if (!f)
        return writer_put(r, p, n, flags);
    r->resp.passing = f;
    chain_enter(r, f->member);
    rc = f->fn(&r->pub, f->self, (const char *)p, n, flags);
    if (rc >= 0 && f->only_looks)
        rc = pass(r, f->next, p, n, flags);
    chain_enter(r, member);
    r->resp.passing = was;
    return rc < 0 ? rc : 0;
}

int
filter_is_busy(const struct req *r)
{
    return r->resp.filters && r->resp.passing;
}

void
filter_drop_crashed(struct req *r)
{
    const struct filter *f = r->resp.filters;

    while (f && f->member + 1 != r->crashed)
        f = f->next;
    if (f || r->is_spoilt)
        resp_drop_fields(&r->resp);
}

int32_t
filter_pass(struct req *r, const void *p, size_t n, uint32_t flags)
{
    return pass(r, r->resp.filters, p, n, flags);
}

int32_t
filter_emit(et_req *pub, const void *p, size_t n, uint32_t flags)
{
    struct req *r = req_of(pub);
    struct filter *f = r->resp.passing;

    if (!f || f->member != r->member || !chain_is_at(r) || f->only_looks)
        return ET_EPHASE;
    if (f->has_ended)
        return ET_EINVAL;
    f->has_ended = (flags & ET_BODY_LAST) != 0;
    return pass(r, f->next, p, n, flags);
}

/* ---- an answer that was decided as a whole -------------------------------*/

struct reading {
    int fd;
    uint64_t off;
    size_t n;
    char *piece; /* room for PIECE, in the request's arena */
};

static int32_t
read_job(void *arg)
{
    struct reading *g = arg;
    ssize_t got;

    do
        got = pread(g->fd, g->piece, g->n, (off_t)g->off);
    while (got < 0 && errno == EINTR);
    return got < 0 ? ET_EINVAL : (int32_t)got;
}

/* What is in the page cache is read here, the rest where it may block; when as
 * many jobs wait as may, others have their turn first. */
static int32_t
read_piece(struct req *r, struct reading *g)
{
    const struct et_task *task = r->pub.worker->task;
    struct iovec v = {g->piece, g->n};
    ssize_t got = preadv2(g->fd, &v, 1, (off_t)g->off, RWF_NOWAIT);
    int32_t rc = (int32_t)got;

    if (got <= 0)
        rc = task->offload(&r->pub, read_job, g, ET_PRIO_HIGH);
    while (rc == ET_ELIMIT && (rc = task->sleep(&r->pub, RETRY_MS)) == 0)
        rc = task->offload(&r->pub, read_job, g, ET_PRIO_HIGH);
    if (rc == ET_ELIMIT || rc == ET_ENOMEM) /* nor can it wait */
        rc = read_job(g);
    return rc == 0 ? ET_EINVAL : rc; /* it has become shorter */
}

/* The front of the queue, as far as it goes at once. */
static int32_t
copy_one(struct req *r, struct segment_queue *q, struct reading *g)
{
    const struct segment *s = segment_peek(q);
    const void *p = s->p;
    int32_t n = (int32_t)(s->n < PIECE ? s->n : PIECE), rc;

    if (s->kind == SEGMENT_FILE && !g->piece)
        g->piece = arena_alloc(&r->arena, PIECE);
    if (s->kind == SEGMENT_FILE && !g->piece)
        return ET_ENOMEM;
    if (s->kind == SEGMENT_FILE) {
        g->fd = s->fd;
        g->off = s->off;
        g->n = (size_t)n;
        n = read_piece(r, g);
        p = g->piece;
    }
    if (n < 0)
        return n;
    rc = filter_pass(r, p, (size_t)n, 0);
    if (rc == 0)
        segment_consume(q, (uint64_t)n);
    return rc;
}

static uint32_t
copy(et_req *pub, void *self)
{
    struct req *r = req_of(pub);
    struct reading g = {.fd = -1};
    int32_t rc = 0;

    (void)self;
    while (rc == 0 && segment_peek(&r->resp.source))
        rc = copy_one(r, &r->resp.source, &g);
    if (rc == ET_ECANCEL) /* its client has gone: nobody is to blame */
        return ET_DROP;
    return rc < 0 ? ET_FAIL : ET_DONE;
}

int
filter_may_begin(const struct req *r)
{
    return r->resp.is_written || task_has_stack(r);
}

int32_t
filter_begin(struct req *r)
{
    static const struct chain_step step = {copy, NULL};
    struct resp *p = &r->resp;
    uint64_t length = filter_only_looks(r) ? p->body.bytes : RESP_ANY_LENGTH;

    if (task_start(r, &step) < 0)
        return ET_ELIMIT;
    segment_move(&p->source, &p->body);
    resp_write(p, p->status, p->type, length);
    r->phase = CHAIN_IN_REQUEST;
    r->pause.state = PAUSE_WAITS;
    return 0;
}
