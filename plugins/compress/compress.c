/* SPDX-License-Identifier: BSD-2-Clause */
/* compress.c - a middleware that compresses answers: br, zstd or gzip, as the
 * client likes.
 *
 *     response step   may it (answer.h), what is wanted (accept.h), and then
 *                     one of three ways:
 *       at once       a body in memory of at most `slice` bytes is compressed
 *                     there, and goes with its Content-Length
 *       as a whole    any other of at most `whole` bytes, when all of it has
 *                     come, by the pool if it is longer than a slice (whole.h)
 *       in pieces     the rest, slice by slice, as its turns are (line.h)
 *     log step        what it has goes back
 *
 * Invariant: between two waits a worker compresses at most `slice` bytes of an
 * answer, whatever is given at once. */
#define ET_NEED 1
#include <etude.h>
#include <stdlib.h>

#include "accept.h"
#include "answer.h"
#include "line.h"
#include "plan.h"
#include "pool.h"
#include "whole.h"

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
    ET_OPT_SIZE(slice, "64k", 1024, 1048576,
                "what a worker compresses before it serves others"),
    ET_OPT_SIZE(whole, "1m", 0, 16777216,
                "answers up to this, of a length that is known, are "
                "compressed in one go; those longer than a slice by the pool"),
    ET_OPT_INT(contexts, "64", 1, 1000000,
               "answers a worker compresses at once; others go as they are"),
    ET_OPT_INT(spare, "4", 0, 1000000,
               "contexts of each coding that a worker keeps for the next"));

ET_INSTANCE(struct plan, plan_open, plan_close);

ET_COUNTER(answers, NULL, "answers compressed");
ET_COUNTER(plain, "bytes", "what they were before");
ET_COUNTER(coded, "bytes", "what they are compressed");
ET_COUNTER(refused, NULL,
           "answers sent as they are because no context, or stack, was to be "
           "had");
ET_GAUGE(memory, "bytes",
         "memory of answers that are compressed in pieces, or as a whole");

struct squeezer {
    const struct plan *plan;
    struct pool pool;
    struct line line;
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
    s->pool.level[CODER_GZIP_WHOLE] = (int)o->gzip_level;
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
answer_at_once(et_req *r, struct squeezer *s, enum coding coding, et_str body)
{
    const et_str type = r->http->get(r, et_s("Content-Type"), 0);
    struct context *c = pool_take_whole(&s->pool, coding, body.n);
    et_str to;
    if (!c) {
        et_count(r, refused, 1);
        return ET_NEXT;
    }
    to = squeeze(r, c, body);
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

/* An answer that goes so, or as a whole; in the request's memory, *r->mine. */
struct stream {
    int is_whole;
    struct whole begin; /* of one that goes in pieces after all */
    char *coded; /* malloc'ed: all of what came of a whole, n_coded bytes */
    size_t n_coded;
    struct context *c; /* from its first byte on, to its last */
    enum coding coding;
    int64_t bytes; /* of the body, or below 0: nobody knows */
    size_t held;   /* taken since the last flush */
    size_t here;   /* and since others were served */
    struct place place;
};

/* To the operator: it takes so many bytes now. */
static void
tell(et_req *r, struct context *c, size_t bytes)
{
    et_gauge_add(r, memory, (int64_t)bytes - (int64_t)c->told);
    c->told = bytes;
}

static void
give_back(et_req *r, struct squeezer *s, struct stream *t)
{
    if (!t->c)
        return;
    tell(r, t->c, 0);
    pool_give(&s->pool, t->c);
    t->c = NULL;
}

/* A context, if it has none yet: 0, or why the answer is cut off. */
static int32_t
get_context(struct squeezer *s, struct stream *t)
{
    if (t->c)
        return 0;
    t->c = pool_take(&s->pool, t->coding, t->bytes);
    return t->c && context_widen(t->c) == 0 ? 0 : ET_ENOMEM;
}

/* Whoever else has something to do on this worker is served first. */
static int32_t
serve_others(et_req *r)
{
    const et_token own = et_arm(r);
    if (!own)
        return ET_ELIMIT;
    (void)et_resume(r->worker->async, own, 0);
    return et_await(r, UINT64_MAX);
}

/* t may take n bytes when this returns: 0, or why the answer is cut off.  What
 * has begun may end: if nothing waits here any more, it goes on. */
static int32_t
await_turn(et_req *r, struct squeezer *s, struct stream *t, size_t n)
{
    const size_t most = (size_t)s->plan->o->slice;
    int32_t rc = 0;
    if (t->bytes > (int64_t)most || t->held + n > most)
        rc = line_enter(&s->line, &t->place, r, n);
    if ((rc == 0 || rc == ET_ERETIRE || rc == ET_ELIMIT) &&
        t->here + n > most) {
        rc = serve_others(r);
        t->here = 0;
    }
    t->held += n;
    t->here += n;
    return rc == ET_ERETIRE || rc == ET_ELIMIT ? 0 : rc;
}

/* As coder.h: run.  It may crash. */
static int32_t
run(struct context *c, enum coder_op op)
{
    int32_t rc;
    c->is_broken = 1;
    rc = c->coder->run(c->z, &c->io, op);
    c->is_broken = rc < 0;
    return rc < 0 ? ET_ENOMEM : rc;
}

/* What has come of it goes on. */
static int32_t
pass_on(et_req *r, struct context *c, uint32_t flags)
{
    const size_t n = CONTEXT_OUT - c->io.room;
    c->io.out = c->out;
    c->io.room = CONTEXT_OUT;
    et_count(r, coded, (int64_t)n);
    return et_emit(r, c->out, n, flags);
}

/* At most a slice is taken. */
static int32_t
take(et_req *r, struct squeezer *s, struct stream *t, et_str slice,
     enum coder_op op, uint32_t flags)
{
    int32_t rc = await_turn(r, s, t, slice.n);
    struct context *c;
    if (rc == 0)
        rc = get_context(s, t);
    if (rc < 0)
        return rc;
    c = t->c;
    c->io.in = slice.p;
    c->io.n = slice.n;
    et_count(r, plain, (int64_t)slice.n);
    while ((rc = run(c, op)) == CODER_MORE) {
        line_rest(&s->line, &t->place, r);
        rc = pass_on(r, c, 0);
        if (rc == 0)
            rc = await_turn(r, s, t, 0);
        if (rc < 0)
            return rc;
    }
    tell(r, c, context_bytes(c));
    if (rc < 0 || op == CODER_GO)
        return rc;
    t->held = 0;
    line_leave(&s->line, &t->place, r);
    return pass_on(r, c, flags);
}

static int32_t
take_all(et_req *r, struct squeezer *s, struct stream *t, et_str piece,
         uint32_t flags)
{
    const size_t most = (size_t)s->plan->o->slice;
    const enum coder_op op = flags & ET_BODY_LAST ? CODER_END
                             : flags              ? CODER_FLUSH
                                                  : CODER_GO;
    int32_t rc = 0;
    while (rc == 0 && piece.n > most) {
        rc = take(r, s, t, et_sn(piece.p, most), CODER_GO, 0);
        piece = et_sn(piece.p + most, piece.n - most);
    }
    return rc < 0 ? rc : take(r, s, t, piece, op, flags);
}

static int32_t
take_piece(et_req *r, struct squeezer *s, struct stream *t, et_str piece,
           uint32_t flags)
{
    int32_t rc;
    if (piece.n == 0 && t->held == 0 && !(flags & ET_BODY_LAST))
        return et_emit(r, "", 0, flags); /* it has been flushed already */
    rc = take_all(r, s, t, piece, flags);
    line_rest(&s->line, &t->place, r);
    if (flags & ET_BODY_LAST)
        give_back(r, s, t);
    return rc;
}

/* ---- as a whole ----------------------------------------------------------*/

static void
drop_begin(et_req *r, struct stream *t)
{
    et_gauge_add(r, memory, -(int64_t)whole_bytes(&t->begin));
    whole_end(&t->begin);
}

/* It goes in pieces after all, from its begin: what it has of that is its own
 * meanwhile, and its context, which may be the last, another's. */
static int32_t
fall_to_pieces(et_req *r, struct squeezer *s, struct stream *t, et_str piece,
               uint32_t flags)
{
    int32_t rc = 0;
    t->is_whole = 0;
    if (t->c) {
        t->begin = t->c->whole;
        t->c->whole = (struct whole){0};
        give_back(r, s, t);
        et_gauge_add(r, memory, (int64_t)whole_bytes(&t->begin));
    }
    if (t->begin.n > 0)
        rc = take_piece(r, s, t, et_sn(t->begin.in, t->begin.n), 0);
    drop_begin(r, t);
    return rc < 0 ? rc : take_piece(r, s, t, piece, flags);
}

/* All of it, compressed.  It may crash. */
static int32_t
press(void *arg)
{
    struct context *c = (struct context *)arg;
    int32_t rc;
    c->io =
        (struct coder_io){c->whole.in, c->whole.out, c->whole.n, c->whole.room};
    c->is_broken = 1;
    rc = c->coder->run(c->z, &c->io, CODER_END);
    c->is_broken = rc != 0;
    return rc == 0 ? 0 : ET_ENOMEM;
}

/* The context is for others while a client takes it. */
static int32_t
keep_coded(et_req *r, struct stream *t)
{
    const struct whole *w = &t->c->whole;
    const size_t n = w->room - t->c->io.room;
    t->coded = (char *)malloc(n);
    if (!t->coded)
        return ET_ENOMEM;
    memcpy(t->coded, w->out, n);
    t->n_coded = n;
    et_gauge_add(r, memory, (int64_t)n);
    et_count(r, plain, (int64_t)w->n);
    et_count(r, coded, (int64_t)n);
    return 0;
}

static void
drop_coded(et_req *r, struct stream *t)
{
    et_gauge_add(r, memory, -(int64_t)t->n_coded);
    free(t->coded);
    t->coded = NULL;
    t->n_coded = 0;
}

static int32_t
take_last(et_req *r, struct squeezer *s, struct stream *t, uint32_t flags)
{
    struct context *c = t->c;
    int32_t rc = whole_widen(&c->whole) < 0 ? ET_ENOMEM : 0;
    tell(r, c, context_bytes(c));
    if (rc == 0)
        rc = c->whole.n > (size_t)s->plan->o->slice ? et_offload(r, press, c)
                                                    : press(c);
    line_leave(&s->line, &t->place, r);
    if (rc == 0)
        rc = keep_coded(r, t);
    if (rc == ET_ELIMIT || rc == ET_ERETIRE || rc == ET_ENOMEM)
        return fall_to_pieces(r, s, t, et_sn("", 0), flags);
    give_back(r, s, t);
    if (rc == 0)
        rc = et_emit(r, t->coded, t->n_coded, flags);
    drop_coded(r, t);
    return rc;
}

/* A flush is for what has come, which is no whole. */
static int32_t
take_whole(et_req *r, struct squeezer *s, struct stream *t, et_str piece,
           uint32_t flags)
{
    const int is_last = (flags & ET_BODY_LAST) != 0;
    int32_t rc = -1;
    if (is_last || !flags) {
        if (t->bytes > s->plan->o->slice)
            rc = line_enter(&s->line, &t->place, r, piece.n);
        if (rc == ET_ECANCEL || rc == ET_ETIME)
            return rc;
        if (!t->c)
            t->c = pool_take_whole(&s->pool, t->coding, (size_t)t->bytes);
        rc = t->c ? whole_take(&t->c->whole, (size_t)t->bytes, piece.p, piece.n)
                  : -1;
    }
    if (rc < 0)
        return fall_to_pieces(r, s, t, piece, flags);
    tell(r, t->c, context_bytes(t->c));
    if (is_last)
        return take_last(r, s, t, flags);
    line_rest(&s->line, &t->place, r);
    return 0;
}

ET_BODY(squeeze_piece)
{
    struct squeezer *s = (struct squeezer *)self;
    struct stream *t = (struct stream *)*r->mine;
    return t->is_whole ? take_whole(r, s, t, et_sn(p, n), flags)
                       : take_piece(r, s, t, et_sn(p, n), flags);
}

static uint32_t
answer_in_pieces(et_req *r, struct squeezer *s, enum coding coding)
{
    struct stream *t = (struct stream *)et_alloc(r, sizeof *t);
    if (!t)
        return ET_FAIL;
    *t = (struct stream){.coding = coding, .bytes = et_answer_bytes(r)};
    t->is_whole = t->bytes >= 0 && t->bytes <= s->plan->o->whole;
    if (!et_may_filter(r) || pool_reserve(&s->pool) < 0) {
        et_count(r, refused, 1);
        return ET_NEXT;
    }
    *r->mine = t;
    et_count(r, answers, 1);
    return et_filter(r) < 0 || answer_dress(r, coding) < 0 ? ET_FAIL : ET_NEXT;
}

/* ---- the steps -----------------------------------------------------------*/

ET_RESPONSE(compress)
{
    struct squeezer *s = (struct squeezer *)self;
    const struct plan *plan = s->plan;
    const et_str body = et_answer_body(r);
    enum coding coding;
    if (r->status == 304)
        return answer_not_modified(r) < 0 ? ET_FAIL : ET_NEXT;
    if (r->status == 206) /* has the Vary of its 200 (RFC 9110 15.3.7) */
        return answer_may_all(r, plan) && answer_vary(r) < 0 ? ET_FAIL
                                                             : ET_NEXT;
    if (!answer_may(r, plan))
        return ET_NEXT;
    if (answer_vary(r) < 0)
        return ET_FAIL;
    coding = accept_coding(r, plan->order, plan->n_codings);
    if (coding == CODING_NONE)
        return ET_NEXT;
    return body.p && body.n <= (size_t)plan->o->slice
               ? answer_at_once(r, s, coding, body)
               : answer_in_pieces(r, s, coding);
}

ET_LOG(over)
{
    struct squeezer *s = (struct squeezer *)self;
    struct stream *t = (struct stream *)*r->mine;
    if (t) { /* it may have ended anywhere */
        line_leave(&s->line, &t->place, r);
        give_back(r, s, t);
        drop_begin(r, t);
        drop_coded(r, t);
        pool_unreserve(&s->pool);
    }
    return ET_NEXT;
}

ET_PLUGIN_AS("org.etude.compress", "1.0.0", ET_P_UNMAP_OK,
             "compresses answers: br, zstd, gzip");
