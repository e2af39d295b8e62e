/* SPDX-License-Identifier: BSD-2-Clause */
/* cache.c - a shared cache (RFC 9111) in front of whatever answers: what it
 * declares.  cache.h says which file has which step. */
#define ET_NEED 1
#include "cache.h"

#include <sys/random.h>

/* Fields that say something to clients, or to this cache: "HIT" is nothing that
 * they can say. */
static int
is_taken(et_str name)
{
    static const char *const taken[] = {
        "Accept-Ranges", "Age",     "Allow",         "Cache-Control",
        "ETag",          "Expires", "Last-Modified", "Link",
        "Location",      "Pragma",  "Refresh",       "Retry-After",
        "Set-Cookie",    "Vary"};
    size_t i;
    for (i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (et_eq_nocase(name, et_s(taken[i])))
            return 1;
    return name.n > 8 && et_eq_nocase(et_sn(name.p, 8), et_s("Content-"));
}

#define OBJECT_DEFAULT (INT64_C(1) << 20) /* "1m" */

static int32_t
check(void *conf, et_err *e)
{
    struct options *o = conf;
    const int64_t most = o->memory / 4;
    if (o->max_object == OBJECT_DEFAULT && o->max_object > most)
        o->max_object = most; /* nobody is blamed for what he did not say */
    if (o->max_object > most)
        return et_seterr(e, "max_object: at most a quarter of memory");
    if (!o->header.n)
        return 0;
    if (!et_is_token(o->header))
        return et_seterr(e, "header: no name of a field");
    if (et_is_hosts(o->header))
        return et_seterr(e, "header: %.*s belongs to the server",
                         ET_STR(o->header));
    if (is_taken(o->header))
        return et_seterr(e, "header: %.*s says something else",
                         ET_STR(o->header));
    return 0;
}

/* How long one asks, where nobody waits, before another one does. */
#define PATIENCE_MS 5000u

#define TIME_MAX INT64_C(315360000000) /* ten years */

ET_OPTIONS(
    struct options, check,
    ET_OPT_SIZE(memory, "64m", 65536, INT64_C(1) << 40,
                "bytes that each worker keeps"),
    ET_OPT_SIZE(max_object, "1m", 0, INT64_C(1) << 31,
                "largest body that is stored; its default is no more than a "
                "quarter of memory"),
    ET_OPT_INT(variants, "8", 1, 1000,
               "answers of one address that differ by Vary"),
    ET_OPT("ttl", ttl_ms, int64_t, ET_O_TIME, "0", 0, TIME_MAX, NULL,
           "how long an answer is fresh that does not say so itself; 0: it is "
           "not stored"),
    ET_OPT("ttl_negative", ttl_negative_ms, int64_t, ET_O_TIME, "0", 0,
           TIME_MAX, NULL, "the same of 404 and 410"),
    ET_OPT("stale_while_revalidate", stale_while_revalidate_ms, int64_t,
           ET_O_TIME, "0", 0, TIME_MAX, NULL,
           "how long one that is stale is served while it is asked for anew, "
           "where it says nothing"),
    ET_OPT("stale_if_error", stale_if_error_ms, int64_t, ET_O_TIME, "0", 0,
           TIME_MAX, NULL,
           "how long one that is stale is served instead of a 5xx, where it "
           "says nothing"),
    ET_OPT("wait", wait_ms, int64_t, ET_O_TIME, "5s", 0, 3600000, NULL,
           "how long requests wait for one that asks already; 0: not at all"),
    ET_OPT("pass", pass_ms, int64_t, ET_O_TIME, "10s", 0, TIME_MAX, NULL,
           "how long it is remembered that an answer cannot be stored, so that "
           "nobody waits for it"),
    ET_OPT_CHOICE(cookies, "bypass", "bypass|ignore",
                  "requests with cookies pass by the cache; or are as others"),
    ET_OPT_CHOICE(client, "ignore", "ignore|honour",
                  "no-cache and max-age of clients"),
    ET_OPT_STR(header, "X-Cache", 0,
               "the field that says HIT, STALE, MISS or BYPASS; empty: none"));

ET_COUNTER(hits, NULL, "answers from the store, fresh");
ET_COUNTER(stale, NULL, "answers from the store, stale");
ET_COUNTER(misses, NULL, "answers of handlers that were looked for");
ET_COUNTER(bypasses, NULL, "answers of handlers that were not");
ET_COUNTER(waits, NULL, "times that a request waited for another one");
ET_COUNTER(refreshes, NULL, "answers asked for anew, while nobody waits");
ET_COUNTER(stored, NULL, "answers stored");
ET_COUNTER(evictions, NULL, "answers thrown out for want of room");
ET_INSTANCE_GAUGE(entries, NULL, "answers that are stored");
ET_INSTANCE_GAUGE(memory, "bytes", "memory of answers");

/* ---- the instance --------------------------------------------------------*/

static int32_t
site_open(et_conf *c, const void *options, void *inst, et_err *e)
{
    struct site *s = inst;
    const struct options *o = options;
    const int n = snprintf(s->channel, sizeof s->channel,
                           "org.etude.cache/%.*s", ET_STR(c->instance));
    if (n < 0 || (size_t)n >= sizeof s->channel)
        return et_seterr(e, "the name of the section is too long");
    s->o = o;
    s->rules.ttl_ms = o->ttl_ms;
    s->rules.ttl_negative_ms = o->ttl_negative_ms;
    s->rules.stale_while_revalidate_ms = o->stale_while_revalidate_ms;
    s->rules.stale_if_error_ms = o->stale_if_error_ms;
    return 0;
}

ET_INSTANCE(struct site, site_open, NULL);

/* ---- a worker ------------------------------------------------------------*/

/* Another worker says what has changed. */
static void
on_changed(et_loop *l, void *arg, et_str channel, et_str message)
{
    struct cache *c = arg;
    struct key key;
    (void)l;
    (void)channel;
    key_from(message, &c->secret, &key);
    cache_forget(c, &key);
}

static int32_t
init(et_worker *w, const void *from, void *state, et_err *e)
{
    struct cache *c = state;
    const struct options *o = ((const struct site *)from)->o;
    et_loop *loop = et_loop_open(w);
    c->site = from;
    if (getrandom(&c->secret, sizeof c->secret, 0) != sizeof c->secret)
        return et_seterr(e, "no random bytes");
    if (!loop || !et_listen(loop, et_s(c->site->channel), on_changed, c))
        return et_seterr(e, "no loop to listen with");
    if (fills_init(&c->fills, loop,
                   o->wait_ms ? (uint64_t)o->wait_ms : PATIENCE_MS) < 0)
        return et_seterr(e, "out of memory");
    if (store_init(&c->store, (uint64_t)o->memory, (uint32_t)o->variants) < 0) {
        fills_fini(&c->fills);
        return et_seterr(e, "out of memory");
    }
    return 0;
}

static void
leave(et_worker *w, void *state)
{
    struct cache *c = state;
    (void)w;
    store_unref(c->parting);
    store_fini(&c->store);
    fills_fini(&c->fills);
}

ET_STATE(struct cache, init, leave);

/* ---- steps ---------------------------------------------------------------*/

ET_REQUEST(request)
{
    return look_up(r, self);
}

ET_RESPONSE(response)
{
    return keep_head(r, self);
}

ET_BODY(body)
{
    return keep_piece(r, self, p, n, flags);
}

/* What has happened since the last time, for r's route; and what there is, for
 * the instance. */
static void
tell(et_req *r, struct cache *c)
{
    struct counts now = c->counts;
    const struct counts *old = &c->told;
    now.evictions = (int64_t)c->store.evictions;
    et_count(r, hits, now.hits - old->hits);
    et_count(r, stale, now.stale - old->stale);
    et_count(r, misses, now.misses - old->misses);
    et_count(r, bypasses, now.bypasses - old->bypasses);
    et_count(r, waits, now.waits - old->waits);
    et_count(r, refreshes, now.refreshes - old->refreshes);
    et_count(r, stored, now.stored - old->stored);
    et_count(r, evictions, now.evictions - old->evictions);
    et_gauge_set(r, entries, (int64_t)c->store.n);
    et_gauge_set(r, memory, (int64_t)c->store.bytes);
    c->told = now;
}

ET_LOG(over)
{
    struct cache *c = self;
    if (*r->mine)
        visit_end(c, *r->mine);
    tell(r, c);
    return ET_NEXT;
}

/* ---- orders --------------------------------------------------------------*/

/* What is purged is freed by and by: others have requests meanwhile.  Without a
 * timer the rest is freed when there is no room. */
static void
bury(et_loop *l, void *arg)
{
    struct cache *c = arg;
    c->burial = store_bury(&c->store) ? et_loop_timer(l, 0, bury, c) : 0;
}

ET_COMMAND(purge,
           "forget PATH, HOST/PATH, HOST:PORT/PATH, each with a * behind "
           "it for all that begins so, or all")
{
    static const char usage[] =
        "purge what?  PATH, HOST/PATH, HOST:PORT/PATH, each with a * behind it "
        "for all that begins so, or all\n";
    struct cache *c = self;
    const et_str pattern = et_eq(args, et_s("all")) ? et_s("*") : et_trim(args);
    char text[64];
    int n;
    if (pattern.n == 0 ||
        (!memchr(pattern.p, '/', pattern.n) && !et_eq(pattern, et_s("*")))) {
        (void)put(out, usage, sizeof usage - 1);
        return ET_EINVAL;
    }
    fills_void_matching(&c->fills, pattern);
    n = snprintf(text, sizeof text, "%llu forgotten\n",
                 (unsigned long long)store_purge(&c->store, pattern));
    if (!c->burial)
        bury(c->fills.loop, c);
    return put(out, text, (size_t)n);
}

ET_COMMAND(stats, "what is stored, and what has happened")
{
    const struct cache *c = self;
    const struct counts *k = &c->counts;
    char text[512];
    const int n = snprintf(
        text, sizeof text,
        "entries %llu\nbytes %llu of %llu\nunder way %llu\nhits %lld\n"
        "stale %lld\nmisses %lld\nbypasses %lld\nwaits %lld\n"
        "refreshes %lld\nstored %lld\nevictions %llu\n",
        (unsigned long long)c->store.n, (unsigned long long)c->store.bytes,
        (unsigned long long)c->store.max, (unsigned long long)c->fills.n,
        (long long)k->hits, (long long)k->stale, (long long)k->misses,
        (long long)k->bypasses, (long long)k->waits, (long long)k->refreshes,
        (long long)k->stored, (unsigned long long)c->store.evictions);
    return put(out, text, (size_t)n);
}

ET_NEED_IFACE(ET_IF_HTTP, et_http, repeat);
ET_PLUGIN_AS("org.etude.cache", "1.0.0", ET_P_UNMAP_OK,
             "a shared cache: RFC 9111, one request asks for many");
