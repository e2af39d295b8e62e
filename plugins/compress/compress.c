/* SPDX-License-Identifier: BSD-2-Clause */
/* compress.c - a middleware that compresses answers: br, zstd or gzip, as the
 * client likes.
 *
 *     response step   may it (answer.h), what is wanted (accept.h), and then
 *                     one of two ways:
 *       at once       a body in memory of at most `offload` bytes is compressed
 *                     there, and goes with its Content-Length
 *       in pieces     any other goes through the body step, in chunks
 *     log step        the context goes back (pool.h)
 *
 * A context that goes in pieces is *r->mine.  Invariant: the worker takes at
 * most `offload` bytes between two waits, whatever it is given; more is a job
 * of the pool. */
#define ET_NEED 1
#include <etude.h>

#include "accept.h"
#include "answer.h"
#include "plan.h"
#include "pool.h"

#define TYPES                                                                  \
    "text/* *+json *+xml application/json application/javascript "             \
    "application/x-javascript application/xml application/x-ndjson "           \
    "application/wasm application/yaml application/toml application/sql "      \
    "application/graphql application/rtf application/vnd.ms-fontobject "       \
    "font/ttf font/otf font/collection image/bmp image/x-icon "                \
    "image/vnd.microsoft.icon"

ET_OPTIONS(
    struct options, NULL,
    ET_OPT_STR(codings, "br zstd gzip", 0,
               "what is offered; among those a client likes as well, the "
               "first"),
    ET_OPT_STR(types, TYPES, 0,
               "media types that are compressed; one end may be a star"),
    ET_OPT_SIZE(min_size, "1k", 0, INT64_MAX,
                "shorter answers go as they are, where the length is known"),
    ET_OPT_INT(br_level, "3", 0, 9, "how hard br tries"),
    ET_OPT_INT(zstd_level, "3", 1, 9, "how hard zstd tries"),
    ET_OPT_INT(gzip_level, "4", 1, 9, "how hard gzip tries"),
    ET_OPT_SIZE(window, "128k", 1024, 1048576,
                "how far back it looks, rounded down to a power of two; gzip: "
                "32k at most"),
    ET_OPT_SIZE(offload, "32k", 0, 1048576,
                "what a worker compresses itself, between two waits; more is a "
                "job of the pool"),
    ET_OPT_INT(contexts, "64", 1, 1000000,
               "answers a worker compresses at once; others go as they are"),
    ET_OPT_INT(spare, "4", 0, 1000000,
               "contexts of each coding that a worker keeps for the next"));

ET_INSTANCE(struct plan, plan_open, plan_close);

ET_COUNTER(answers, NULL, "answers compressed");
ET_COUNTER(plain, "bytes", "what they were before");
ET_COUNTER(coded, "bytes", "what they are compressed");
ET_COUNTER(refused, NULL,
           "answers sent as they are because no context was to be had");
ET_GAUGE(memory, "bytes", "memory of answers that are compressed in pieces");

struct squeezer {
    const struct plan *plan;
    struct pool pool;
};

static int32_t
squeezer_init(et_worker *w, const void *from, void *state, et_err *e)
{
    const struct plan *plan = (const struct plan *)from;
    const struct options *o = plan->o;
    struct squeezer *s = (struct squeezer *)state;
    (void)w;
    (void)e;
    s->plan = plan;
    s->pool.max = (size_t)o->contexts;
    s->pool.spare = (size_t)o->spare;
    s->pool.level[CODING_BR] = (int)o->br_level;
    s->pool.level[CODING_ZSTD] = (int)o->zstd_level;
    s->pool.level[CODING_GZIP] = (int)o->gzip_level;
    s->pool.bits = plan->bits;
    return 0;
}

static void
squeezer_exit(et_worker *w, void *state)
{
    (void)w;
    pool_end(&((struct squeezer *)state)->pool);
}

ET_STATE(struct squeezer, squeezer_init, squeezer_exit);

/* ---- at once -------------------------------------------------------------*/

/* body, compressed into memory of the request; absent if that is not shorter,
 * or there is no memory. */
static et_str
squeeze(et_req *r, struct context *c, et_str body)
{
    size_t cap;
    char *p = r->http->reserve(r, body.n, &cap);
    struct coder_io io = {body.p, p, body.n, body.n - 1};
    if (!p || c->coder->run(c->z, &io, CODER_END) != 0)
        return et_s(NULL);
    r->http->commit(r, (size_t)(io.out - p));
    return et_sn(p, (size_t)(io.out - p));
}

static uint32_t
answer_at_once(et_req *r, struct squeezer *s, struct context *c, et_str body)
{
    const et_str type = r->http->get(r, et_s("Content-Type"), 0);
    const enum coding coding = c->coding;
    const et_str to = squeeze(r, c, body);
    pool_give(&s->pool, c);
    if (!to.p)
        return ET_NEXT;
    et_count(r, answers, 1);
    et_count(r, plain, (int64_t)body.n);
    et_count(r, coded, (int64_t)to.n);
    if (answer_dress(r, coding) < 0)
        return ET_FAIL;
    return et_bytes_static(r, r->status, type, to);
}

/* ---- in pieces -----------------------------------------------------------*/

/* To the operator: it takes so many bytes now. */
static void
tell(et_req *r, struct context *c, size_t bytes)
{
    et_gauge_add(r, memory, (int64_t)bytes - (int64_t)c->told);
    c->told = bytes;
}

static int32_t
job(void *arg) /* anywhere */
{
    struct context *c = (struct context *)arg;
    c->rc = c->coder->run(c->z, &c->io, c->op);
    return 0;
}

/* Run it here, or by the pool, which the worker does not wait for.  0, or why
 * the answer is cut off. */
static int32_t
run(et_req *r, struct context *c, int is_far)
{
    int32_t rc = is_far ? et_offload(r, job, c) : job(c);
    while (rc == ET_ELIMIT) { /* all of the pool is busy */
        rc = et_sleep(r, 10);
        if (rc == 0)
            rc = et_offload(r, job, c);
    }
    if (rc == ET_ERETIRE || rc == ET_ENOMEM) /* what has begun may end */
        rc = job(c);
    c->is_broken |= rc == ET_ECRASH;
    return rc < 0 ? rc : c->rc < 0 ? ET_ENOMEM : 0;
}

/* What waits at c->in is compressed and goes on, with flags. */
static int32_t
advance(et_req *r, const struct plan *plan, struct context *c, enum coder_op op,
        uint32_t flags)
{
    const size_t most = (size_t)plan->o->offload;
    int32_t rc = 0;
    int is_far;
    c->op = op;
    c->io.in = c->in;
    c->io.n = c->n;
    c->held += c->n;
    c->here += c->n;
    is_far = c->held > most || c->here > most;
    et_count(r, plain, (int64_t)c->n);
    do {
        size_t n;
        c->io.out = c->out;
        c->io.room = CONTEXT_OUT;
        rc = run(r, c, is_far);
        n = CONTEXT_OUT - c->io.room;
        if (rc < 0)
            return rc;
        et_count(r, coded, (int64_t)n);
        if (n > 0 || (c->rc == 0 && flags))
            rc = et_emit(r, c->out, n, c->rc == 0 ? flags : 0);
    } while (rc == 0 && c->rc == CODER_MORE);
    c->n = 0;
    tell(r, c, context_bytes(c));
    if (is_far)
        c->here = 0;
    if (op != CODER_GO)
        c->held = 0;
    return rc;
}

ET_BODY(squeeze_piece)
{
    const struct plan *plan = ((const struct squeezer *)self)->plan;
    struct context *c = (struct context *)*r->mine;
    int32_t rc = 0;
    while (n > 0 && rc == 0) {
        const size_t room = CONTEXT_IN - c->n, k = n < room ? n : room;
        memcpy(c->in + c->n, p, k);
        c->n += k;
        p += k;
        n -= k;
        if (c->n == CONTEXT_IN)
            rc = advance(r, plan, c, CODER_GO, 0);
    }
    if (rc < 0 || !flags)
        return rc;
    if (flags & ET_BODY_LAST)
        return advance(r, plan, c, CODER_END, flags);
    if (c->n + c->held == 0) /* it has been flushed already */
        return et_emit(r, "", 0, flags);
    return advance(r, plan, c, CODER_FLUSH, flags);
}

static uint32_t
answer_in_pieces(et_req *r, struct squeezer *s, struct context *c)
{
    const enum coding coding = c->coding;
    if (context_widen(c) < 0) {
        pool_give(&s->pool, c);
        return ET_NEXT;
    }
    *r->mine = c;
    tell(r, c, context_bytes(c));
    et_count(r, answers, 1);
    return answer_dress(r, coding) < 0 || et_filter(r) < 0 ? ET_FAIL : ET_NEXT;
}

/* ---- the steps -----------------------------------------------------------*/

ET_RESPONSE(compress)
{
    struct squeezer *s = (struct squeezer *)self;
    const struct plan *plan = s->plan;
    const et_str body = et_answer_body(r);
    enum coding coding;
    struct context *c;
    if (r->status == 304)
        return answer_not_modified(r) < 0 ? ET_FAIL : ET_NEXT;
    if (!answer_may(r, plan))
        return ET_NEXT;
    if (answer_vary(r) < 0)
        return ET_FAIL;
    coding = accept_coding(r, plan->order, plan->n_codings);
    if (coding == CODING_NONE)
        return ET_NEXT;
    c = pool_take(&s->pool, coding, et_answer_bytes(r));
    if (!c) {
        et_count(r, refused, 1);
        return ET_NEXT;
    }
    return body.p && body.n <= (size_t)plan->o->offload
               ? answer_at_once(r, s, c, body)
               : answer_in_pieces(r, s, c);
}

ET_LOG(over)
{
    struct context *c = (struct context *)*r->mine;
    if (c) {
        tell(r, c, 0);
        pool_give(&((struct squeezer *)self)->pool, c);
    }
    return ET_NEXT;
}

ET_PLUGIN_AS("org.etude.compress", "1.0.0", ET_P_UNMAP_OK,
             "compresses answers: br, zstd, gzip");
