/* SPDX-License-Identifier: BSD-2-Clause */
/* look.c - the request step: what is stored for that request?
 *
 *     fresh                         HIT
 *     nothing there is to store     BYPASS: on by itself
 *     stale, good for a while       STALE; if nobody asks yet, the same request
 *                                   once more does, for nobody
 *     somebody asks                 waits, and looks again
 *     else                          MISS: on to the handler, and others wait
 */
#define ET_NEED 1
#include "answer.h"
#include "cache.h"

/* After an error what is stale is served without asking again for so long, and
 * after somebody was sent to ask. */
#define RETRY_MS 1000u

/* ---- what the client asks ------------------------------------------------*/

/* Nothing of it may be stored, and nothing that is stored is for it.  A GET
 * with a body is answered by what no key has. */
static int
goes_by(const et_req *r, const struct cache *c, const struct ask *a)
{
    return a->control.no_store || a->has & ASK_FOR_ORIGIN ||
           (a->has & ASK_COOKIE && c->site->o->cookies == COOKIES_BYPASS) ||
           r->http->number(r, ET_N_BODY_BYTES) != 0;
}

/* The response fields that are set already are others': they set them for each
 * request. */
static int32_t
remember_fields(et_req *r, struct visit *v)
{
    uint32_t n = 0, i;
    et_field f;
    while (n < ENTRY_FIELDS_MAX && et_answer_field(r, n, &f))
        n++;
    if (n == 0)
        return 0;
    v->before = et_alloc(r, n * sizeof f);
    if (!v->before)
        return ET_ENOMEM;
    for (i = 0; i < n; i++)
        (void)et_answer_field(r, i, &v->before[i]);
    v->n_before = n;
    return 0;
}

/* Is its answer one that is stored?  A target in absolute-form is for the same
 * key, but what its handler sees is not what it sees of others: the target, and
 * a Host that does not count (RFC 9112 3.2.2).  So is a Host with a dot behind
 * its name, which may be in every link of the answer. */
static int
brings(const et_req *r, const struct ask *a)
{
    return r->method == ET_M_GET && key_is_as_written(r, a->host);
}

static struct visit *
visit_new(et_req *r, const struct cache *c, const struct key *k,
          const struct ask *a)
{
    struct visit *v = et_alloc(r, sizeof *v);
    if (!v)
        return NULL;
    memset(v, 0, sizeof *v);
    v->key = *k;
    v->ask = *a;
    v->asked_ms = v->now_ms = r->start_ns / 1000000;
    v->max_age_ms = INT64_MAX;
    if (c->site->o->client == CLIENT_HONOUR && a->control.no_cache)
        v->max_age_ms = -1;
    else if (c->site->o->client == CLIENT_HONOUR && a->control.max_age >= 0)
        v->max_age_ms = a->control.max_age * 1000;
    v->is_authorized = a->has & ASK_AUTHORIZATION || et_client_sha256(r).p;
    v->may_lead = brings(r, a) && !v->is_authorized && !(a->has & ASK_FOR_LESS);
    v->is_repeat = (uint8_t)et_is_repeat(r);
    v->outcome = "MISS";
    return v;
}

/* ---- what there is -------------------------------------------------------*/

uint32_t
visit_serve(et_req *r, struct cache *c, struct visit *v, struct entry *e,
            const char *outcome)
{
    v->served = store_ref(e);
    return answer_entry(r, &v->ask, e, entry_age_ms(e, v->now_ms),
                        c->site->o->header, outcome);
}

/* What e, which was found, is good for to that visit. */
static enum use
use_of(const struct visit *v, const struct entry *e)
{
    const int64_t age_ms = entry_age_ms(e, v->now_ms);
    enum use use;
    if (v->is_authorized && !e->terms.is_public)
        return USE_NOT;
    if (e->stored_ms > v->asked_ms)
        return USE_FRESH; /* it has waited for just that */
    use = policy_use(&e->terms, age_ms);
    if ((use == USE_FRESH || use == USE_WHILE) && age_ms > v->max_age_ms)
        return USE_ERROR;
    return use;
}

/* ---- the ways on ---------------------------------------------------------*/

static uint32_t look(et_req *r, struct cache *c, struct visit *v);

static uint32_t
on_woken(et_req *r, void *self, int32_t rc)
{
    struct visit *v = *r->mine;
    (void)rc;
    v->now_ms = cache_now_ms(r);
    return look(r, self, v);
}

static void
on_gone(et_req *r, void *self, int32_t why)
{
    struct visit *v = *r->mine;
    (void)self;
    (void)why;
    fill_leave(&v->waiter);
}

/* Suspended until f ends: 1; 0: it cannot be. */
static int
waits(et_req *r, struct cache *c, struct visit *v, struct fill *f)
{
    et_token token;
    if (v->is_authorized ||
        v->now_ms - v->asked_ms >= (uint64_t)c->site->o->wait_ms)
        return 0;
    token = et_suspend(r, on_woken, on_gone, UINT32_MAX);
    if (!token || fill_wait(&c->fills, f, &v->waiter, token, v->now_ms) < 0)
        return 0;
    c->counts.waits++;
    return 1;
}

/* Which of the answers under its key the visit is for, as far as one that is
 * there shows what they vary on. */
static int32_t
select_fill(et_req *r, struct cache *c, struct visit *v)
{
    const struct entry *any = store_find(&c->store, &v->key, NULL);
    char room[SELECT_MAX];
    et_str s;
    char *copy;
    v->fill.vary = v->fill.selected = et_s("");
    if (!any || any->vary.n == 0)
        return 0;
    s = key_select(r, any->vary, room);
    if (!s.p)
        return ET_ELIMIT;
    copy = et_alloc(r, any->vary.n + s.n);
    if (!copy)
        return ET_ENOMEM;
    memcpy(copy, any->vary.p, any->vary.n);
    memcpy(copy + any->vary.n, s.p, s.n);
    v->fill.vary = et_sn(copy, any->vary.n);
    v->fill.selected = et_sn(copy + any->vary.n, s.n);
    return 0;
}

/* The visit is to outlive the step. */
static int32_t
own_key(et_req *r, struct visit *v)
{
    char *copy;
    if (v->owns_key)
        return 0;
    copy = et_alloc(r, key_bytes(&v->key));
    if (!copy)
        return ET_ENOMEM;
    key_copy(&v->key, copy, &v->key);
    v->owns_key = 1;
    return 0;
}

/* On to the handler; others wait for what comes if it leads. */
static uint32_t
go_on(et_req *r, struct cache *c, struct visit *v, int leads)
{
    if (remember_fields(r, v) < 0)
        return ET_FAIL;
    if (!brings(r, &v->ask))
        return ET_NEXT;
    v->fill.key = v->key;
    v->fill.leads = (uint8_t)leads;
    v->fill.began_ms = v->now_ms;
    fill_begin(&c->fills, &v->fill);
    return ET_NEXT;
}

/* That was not long ago. */
static int
is_recent(const struct visit *v, uint64_t ms)
{
    return ms && v->now_ms < ms + RETRY_MS;
}

/* Somebody is sent to ask for e anew: the same request, but all of what there
 * is.  If that cannot be, the next one tries. */
static void
send_to_ask(et_req *r, const struct visit *v, struct entry *e)
{
    static const et_str less[] = {{"If-None-Match", 13},
                                  {"If-Modified-Since", 17},
                                  {"If-Range", 8},
                                  {"Range", 5}};
    if (is_recent(v, e->asked_ms) || !brings(r, &v->ask) || v->is_authorized ||
        v->ask.control.only_if_cached)
        return;
    if (et_repeat(r, less, sizeof less / sizeof less[0]) == 0)
        e->asked_ms = v->now_ms;
}

/* Who was sent looks whether there is still a reason. */
static uint32_t
ask_anew(et_req *r, struct cache *c, struct visit *v)
{
    struct entry *e = store_find(&c->store, &v->key, r);
    if (select_fill(r, c, v) < 0 || own_key(r, v) < 0 || !v->may_lead ||
        (e && use_of(v, e) == USE_FRESH) ||
        fills_find(&c->fills, &v->key, v->fill.selected, v->now_ms))
        return ET_DROP;
    v->stale = e ? store_ref(e) : NULL;
    return go_on(r, c, v, 1);
}

/* Nothing fresh is there: e is NULL, or good for that. */
static uint32_t
look_further(et_req *r, struct cache *c, struct visit *v, struct entry *e,
             enum use use)
{
    const int32_t rc = select_fill(r, c, v);
    struct fill *f =
        rc == 0 ? fills_find(&c->fills, &v->key, v->fill.selected, v->now_ms)
                : NULL;
    const int is_tried = use != USE_NOT && is_recent(v, e->tried_ms);
    if (rc == ET_ENOMEM)
        return ET_FAIL;
    if (is_tried || use == USE_WHILE) {
        if (!is_tried && !f)
            send_to_ask(r, v, e);
        c->counts.stale++;
        return visit_serve(r, c, v, e, "STALE");
    }
    if (own_key(r, v) < 0)
        return ET_FAIL;
    if (v->ask.control.only_if_cached)
        return et_error(r, 504, "it is not in the cache\n");
    if (f && waits(r, c, v, f))
        return ET_WAIT;
    if (e && (!v->is_authorized || e->terms.is_public))
        v->stale = store_ref(e);
    return go_on(r, c, v, rc == 0 && v->may_lead && !f);
}

static uint32_t
look(et_req *r, struct cache *c, struct visit *v)
{
    struct entry *e = store_find(&c->store, &v->key, r);
    const enum use use = e ? use_of(v, e) : USE_NOT;
    if (!e || e->status != ENTRY_PASS) {
        if (use != USE_FRESH)
            return look_further(r, c, v, e, use);
        c->counts.hits++;
        return visit_serve(r, c, v, e, "HIT");
    }
    if (use != USE_FRESH || v->ask.control.only_if_cached)
        return look_further(r, c, v, NULL, USE_NOT);
    v->outcome = "BYPASS";
    return own_key(r, v) < 0 ? ET_FAIL : go_on(r, c, v, 0);
}

uint32_t
look_up(et_req *r, struct cache *c)
{
    char room[KEY_MAX];
    struct ask ask;
    struct key key;
    struct visit *v;
    if (r->method != ET_M_GET && r->method != ET_M_HEAD)
        return ET_NEXT;
    ask_read(r, &ask);
    if (goes_by(r, c, &ask) ||
        key_make(r, ask.host, &c->secret, room, &key) < 0)
        return ET_NEXT;
    v = visit_new(r, c, &key, &ask);
    if (!v)
        return ET_FAIL;
    *r->mine = v;
    return v->is_repeat ? ask_anew(r, c, v) : look(r, c, v);
}
