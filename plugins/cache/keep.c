/* SPDX-License-Identifier: BSD-2-Clause */
/* keep.c - the response and the body step: is what comes to be stored?  Then it
 * is copied as it goes by. */
#define ET_NEED 1
#include <time.h>

#include "answer.h"
#include "cache.h"

/* ---- the ends of a fill --------------------------------------------------*/

/* It brings nothing: the next who waits asks. */
static void
give_up(struct cache *c, struct visit *v)
{
    store_unref(v->fill.entry);
    v->fill.entry = NULL;
    fill_end(&c->fills, &v->fill);
}

/* It brings nothing that is to be stored, and the next one would not either:
 * for a while nobody waits. */
static void
pass_by(struct cache *c, struct visit *v, uint64_t now_ms)
{
    struct head h;
    struct entry *e;
    if (v->fill.leads && !v->fill.is_void && c->site->o->pass_ms > 0) {
        memset(&h, 0, sizeof h);
        h.key = &v->key;
        h.vary = v->fill.vary;
        h.selected = v->fill.selected;
        h.status = ENTRY_PASS;
        h.terms.fresh_ms = c->site->o->pass_ms;
        h.now_ms = now_ms;
        e = store_new(&c->store, &h);
        if (e)
            store_keep(&c->store, e);
        store_unref(e);
    }
    give_up(c, v);
}

static void
finish(struct cache *c, struct visit *v)
{
    if (!v->fill.is_void) {
        store_keep(&c->store, v->fill.entry);
        c->counts.stored++;
    }
    give_up(c, v);
}

void
visit_end(struct cache *c, struct visit *v)
{
    give_up(c, v); /* if it has not ended before */
    store_unref(v->stale);
    /* Log steps further in are still to run and may look at the fields that
     * were sent: they stay until the next one's. */
    store_unref(c->parting);
    c->parting = v->served;
}

/* ---- the head ------------------------------------------------------------*/

/* Was f set when the request came?  Then it is for this one only. */
static int
was_before(const struct visit *v, const et_field *f)
{
    uint32_t i;
    for (i = 0; i < v->n_before; i++)
        if (et_eq_nocase(v->before[i].name, f->name) &&
            et_eq(v->before[i].value, f->value))
            return 1;
    return 0;
}

static void
read_field(const et_field *f, struct facts *facts)
{
    if (et_eq_nocase(f->name, et_s("cache-control")))
        control_add(&facts->control, f->value);
    else if (et_eq_nocase(f->name, et_s("expires")))
        /* Of two it is not known which is meant: stale (RFC 9111 4.2.1). */
        facts->expires = facts->expires.p ? et_s("") : et_trim(f->value);
    else if (et_eq_nocase(f->name, et_s("age")) && !facts->age.p)
        facts->age = f->value;
    else if (et_eq_nocase(f->name, et_s("set-cookie")))
        facts->sets_cookie = 1;
}

/* What r's answer says about itself, all that is set counts; and the fields of
 * it that are to be stored.  0, or ET_ELIMIT: they are too many. */
static int32_t
read_fields(const et_req *r, const struct cache *c, const struct visit *v,
            struct facts *facts, et_field *fields, size_t *n)
{
    uint32_t i;
    for (i = 0, *n = 0; i < ENTRY_FIELDS_MAX; i++) {
        et_field f;
        if (!et_answer_field(r, i, &f))
            return 0;
        read_field(&f, facts);
        if (et_eq_nocase(f.name, et_s("age")) ||
            et_eq_nocase(f.name, c->site->o->header) || was_before(v, &f))
            continue;
        fields[(*n)++] = f;
    }
    return ET_ELIMIT;
}

static int64_t
date_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME_COARSE, &t);
    return t.tv_sec;
}

/* May r's answer be stored, as one of that status?  Then *h is what is stored
 * of its head, but for what it varies on. */
static int
judge(const et_req *r, const struct cache *c, const struct visit *v,
      uint32_t status, struct head *h, et_field *fields)
{
    struct facts facts;
    memset(&facts, 0, sizeof facts);
    memset(h, 0, sizeof *h);
    control_init(&facts.control);
    facts.status = status;
    facts.now_s = date_now();
    facts.is_authorized = v->is_authorized;
    h->key = &v->key;
    h->status = status;
    h->type = r->http->get(r, et_s("Content-Type"), 0);
    h->fields = fields;
    h->now_ms = cache_now_ms(r);
    return read_fields(r, c, v, &facts, fields, &h->n_fields) == 0 &&
           policy_judge(&c->site->rules, &facts, &h->terms);
}

/* It is to be stored, so far: what comes is copied from now on. */
static uint32_t
begin_copy(et_req *r, struct cache *c, struct visit *v, const struct head *h)
{
    v->fill.entry = store_new(&c->store, h);
    if (!v->fill.entry) {
        give_up(c, v);
        return ET_NEXT;
    }
    if (h->status == 204) { /* no body */
        finish(c, v);
        return ET_NEXT;
    }
    return et_watch(r) < 0 ? ET_FAIL : ET_NEXT;
}

/* Is each of these fields as e has it? */
static int
has_all(const struct entry *e, const et_field *fields, size_t n)
{
    size_t i, k;
    for (i = 0; i < n; i++) {
        for (k = 0; k < e->n_fields; k++)
            if (et_eq_nocase(e->fields[k].name, fields[i].name) &&
                et_eq(e->fields[k].value, fields[i].value))
                break;
        if (k == e->n_fields)
            return 0;
    }
    return 1;
}

/* The client has asked with a condition, and nothing is new: neither is it for
 * what is stored, if it has that tag and says nothing else than before (RFC
 * 9111 4.3.4). */
static void
freshen(const et_req *r, const struct cache *c, struct visit *v)
{
    struct entry *e = v->stale;
    et_field fields[ENTRY_FIELDS_MAX];
    struct head h;
    if (!e || e->status != 200 || !e->etag.n || v->fill.is_void ||
        !et_eq(r->http->get(r, et_s("ETag"), 0), e->etag) ||
        !judge(r, c, v, e->status, &h, fields) ||
        !has_all(e, fields, h.n_fields))
        return;
    e->terms = h.terms;
    e->stored_ms = h.now_ms;
    e->tried_ms = 0;
}

static uint32_t
keep(et_req *r, struct cache *c, struct visit *v)
{
    et_field fields[ENTRY_FIELDS_MAX];
    char vary[SELECT_MAX], selected[SELECT_MAX];
    struct head h;
    if (r->status >= 500) {
        give_up(c, v);
        return ET_NEXT;
    }
    if (r->status == 304) {
        freshen(r, c, v);
        give_up(c, v);
        return ET_NEXT;
    }
    if (judge(r, c, v, r->status, &h, fields)) {
        h.vary = key_vary(r, vary);
        h.selected = h.vary.p ? key_select(r, h.vary, selected) : h.vary;
        if (h.selected.p && et_answer_bytes(r) <= c->site->o->max_object)
            return begin_copy(r, c, v, &h);
    }
    pass_by(c, v, h.now_ms);
    return ET_NEXT;
}

/* ---- an error, and something stale for it --------------------------------*/

/* All fields but those that were set when the request came. */
static int32_t
clear_fields(et_req *r, const struct visit *v)
{
    et_field f;
    while (et_answer_field(r, 0, &f))
        if (r->http->set(r, f.name, et_s(""), ET_DEL) < 0)
            return ET_EINVAL;
    return v->n_before ? et_add_static(r, v->before, v->n_before) : 0;
}

static uint32_t
serve_stale(et_req *r, struct cache *c, struct visit *v)
{
    if (clear_fields(r, v) < 0)
        return ET_FAIL;
    v->now_ms = cache_now_ms(r);
    v->stale->tried_ms = v->now_ms;
    c->counts.stale++;
    give_up(c, v);
    return visit_serve(r, c, v, v->stale, "STALE");
}

/* ---- what changes things -------------------------------------------------*/

void
cache_forget(struct cache *c, const struct key *k)
{
    (void)store_drop_key(&c->store, k);
    fills_void_key(&c->fills, k);
}

/* RFC 9111 4.4: what a request has changed is out of date; with all workers,
 * and all caches of the section. */
static void
forget(et_req *r, struct cache *c)
{
    char room[KEY_MAX];
    struct key key;
    if (key_make(r, et_header(r, "host"), &c->secret, room, &key) < 0)
        return; /* nor is anything stored */
    cache_forget(c, &key);
    if (et_publish(r, et_s(c->site->channel), key.text) < 0)
        et_warn(r, "others could not be told that %.*s has changed",
                ET_STR(r->path));
}

/* ---- the steps -----------------------------------------------------------*/

static int32_t
say(et_req *r, const struct cache *c, const char *outcome)
{
    et_field f;
    f.name = c->site->o->header;
    f.value = et_s(outcome);
    return f.name.n ? et_add_static(r, &f, 1) : 0;
}

/* Nobody gets it. */
static uint32_t
keep_for_nobody(et_req *r, struct cache *c, struct visit *v)
{
    c->counts.refreshes++;
    if (r->status >= 500 && v->stale)
        v->stale->tried_ms = cache_now_ms(r);
    return v->fill.at ? keep(r, c, v) : ET_NEXT;
}

uint32_t
keep_head(et_req *r, struct cache *c)
{
    struct visit *v = *r->mine;
    if (v && v->is_repeat)
        return keep_for_nobody(r, c, v);
    if (policy_invalidates(r->method, r->status))
        forget(r, c);
    if (!v && r->method != ET_M_GET && r->method != ET_M_HEAD)
        return ET_NEXT;
    if (v && v->served)
        return ET_NEXT;
    if (v && v->stale && r->status >= 500 &&
        policy_use(&v->stale->terms, entry_age_ms(v->stale, cache_now_ms(r))) !=
            USE_NOT)
        return serve_stale(r, c, v);
    if (v && v->outcome[0] == 'M')
        c->counts.misses++;
    else
        c->counts.bypasses++;
    if (v && v->fill.at && keep(r, c, v) == ET_FAIL)
        return ET_FAIL;
    return say(r, c, v ? v->outcome : "BYPASS") < 0 ? ET_FAIL : ET_NEXT;
}

int32_t
keep_piece(et_req *r, struct cache *c, const char *p, size_t n, uint32_t flags)
{
    struct visit *v = *r->mine;
    struct entry *e = v ? v->fill.entry : NULL;
    if (!e)
        return 0;
    if (e->body_n + n > (uint64_t)c->site->o->max_object) {
        pass_by(c, v, cache_now_ms(r));
        return 0;
    }
    /* Another answer: a step further out has put it in the place of this. */
    if (r->status != e->status || store_append(&c->store, e, p, n) < 0)
        give_up(c, v);
    else if (flags & ET_BODY_LAST)
        finish(c, v);
    return 0;
}
