/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.c - the time of day as server-sent events, and a page that shows it.
 *
 * A stream is a task that sleeps from tick to tick.  A tick is a multiple of
 * the interval since 1970, so that all streams tick together, on whichever
 * worker or server.  The time is read anew behind each sleep, and none is
 * longer than a second: a clock that is set, a client that was slow and a
 * server that is to end are noticed then. */
#define _GNU_SOURCE
#include <etude.h>
#include <time.h>

#include "page.h"

#define NAP_MS 1000
#define TICK_MAX_BYTES 96u

struct options {
    int64_t interval; /* both in milliseconds */
    int64_t retry;
};

ET_OPTIONS(struct options, NULL,
           ET_OPT_TIME(interval, "1s", 100, 3600000,
                       "time from one event to the next"),
           ET_OPT_TIME(retry, "1s", 100, 3600000,
                       "time after which a browser comes again"));

ET_GAUGE(streams, NULL, "streams that are open");
ET_COUNTER(ticks, NULL, "events sent");

/* ---- what a worker has ---------------------------------------------------*/

/* The tick that its streams send now, made once for all of them. */
struct dial {
    const struct options *options;
    int64_t at_ms; /* it is of; -1: there is none yet */
    size_t n;
    char text[TICK_MAX_BYTES];
};

static int32_t
init(et_worker *w, const void *from, void *state, et_err *e)
{
    struct dial *d = (struct dial *)state;
    (void)w;
    (void)e;
    d->options = (const struct options *)from;
    d->at_ms = -1;
    return 0;
}

ET_STATE(struct dial, init, NULL);

/* ---- time ----------------------------------------------------------------*/

static int64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What stands behind the seconds: nothing, if no tick is between two. */
static void
write_fraction(char out[8], int64_t at_ms, int64_t interval_ms)
{
    out[0] = 0;
    if (interval_ms % 1000)
        snprintf(out, 8, ".%03d", (int)(at_ms % 1000));
}

/* The event of that tick; missed: of how many before it this client has seen
 * none. */
static size_t
write_tick(char out[TICK_MAX_BYTES], int64_t at_ms, int64_t interval_ms,
           int64_t missed)
{
    const time_t seconds = (time_t)(at_ms / 1000);
    char fraction[8], day[24], more[32] = "";
    struct tm tm;
    int n;
    write_fraction(fraction, at_ms, interval_ms);
    gmtime_r(&seconds, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    if (missed > 0)
        snprintf(more, sizeof more, ",\"missed\":%lld", (long long)missed);
    n = snprintf(out, TICK_MAX_BYTES,
                 "id: %lld%s\ndata: {\"time\":\"%s%sZ\"%s}\n\n",
                 (long long)seconds, fraction, day, fraction, more);
    return n > 0 && (unsigned)n < TICK_MAX_BYTES ? (size_t)n : 0;
}

/* The time of an id that write_tick has given; -1: it is none of the past. */
static int64_t
time_of_id(et_str id, int64_t until_ms)
{
    int64_t seconds, ms = 0;
    size_t n = 0;
    while (n < id.n && id.p[n] != '.')
        n++;
    if (et_to_int(et_sn(id.p, n), 0, until_ms / 1000, &seconds) < 0)
        return -1;
    if (n < id.n &&
        (id.n - n != 4 || et_to_int(et_sn(id.p + n + 1, 3), 0, 999, &ms) < 0))
        return -1;
    ms += seconds * 1000;
    return ms <= until_ms ? ms : -1;
}

/* ---- a stream ------------------------------------------------------------*/

struct stream {
    struct dial *dial;
    int64_t seen_ms;  /* the tick it has got last; -1: none */
    int64_t quiet_ms; /* how long nothing was sent */
};

/* Send the tick of now.  From the task's own stack: while it waits for its
 * client the dial goes on. */
static int32_t
tell(et_req *r, struct stream *s, int64_t at_ms)
{
    struct dial *d = s->dial;
    const int64_t interval_ms = d->options->interval;
    char text[TICK_MAX_BYTES];
    size_t n;
    if (s->seen_ms >= 0 && at_ms > s->seen_ms + interval_ms) {
        n = write_tick(text, at_ms, interval_ms,
                       (at_ms - s->seen_ms) / interval_ms - 1);
    } else {
        if (d->at_ms != at_ms)
            d->n = write_tick(d->text, at_ms, interval_ms, 0);
        d->at_ms = at_ms;
        n = d->n;
        memcpy(text, d->text, n);
    }
    s->seen_ms = at_ms;
    s->quiet_ms = 0;
    et_count(r, ticks, 1);
    return et_write(r, text, n);
}

/* Until the next tick, or a while of that time. */
static int32_t
nap(et_req *r, struct stream *s)
{
    const int64_t interval_ms = s->dial->options->interval;
    int64_t ms = interval_ms - now_ms() % interval_ms;
    int32_t rc = 0;
    if (ms > NAP_MS)
        ms = NAP_MS;
    if (s->quiet_ms >= ET_SSE_KEEP_MS) {
        s->quiet_ms = 0;
        rc = et_sse_ping(r);
    }
    s->quiet_ms += ms;
    return rc < 0 ? rc : et_sleep(r, (uint64_t)ms);
}

static int32_t
stream(et_req *r, struct stream *s)
{
    const struct options *o = s->dial->options;
    int32_t rc = et_writef(r, "retry: %lld\n\n", (long long)o->retry);
    while (rc == 0 && !et_retiring(r)) {
        const int64_t now = now_ms(), at_ms = now - now % o->interval;
        if (at_ms != s->seen_ms)
            rc = tell(r, s, at_ms);
        if (rc == 0)
            rc = nap(r, s);
    }
    return rc;
}

static void
leave(void *arg)
{
    et_gauge_add((et_req *)arg, streams, -1);
}

ET_ROUTE("GET", "/clock/events", events, ET_F_TASK,
         "the time as server-sent events")
{
    struct stream s = {(struct dial *)self, -1, 0};
    int32_t rc;
    s.seen_ms = time_of_id(et_sse_last_id(r), now_ms());
    if (et_defer(r, leave, r) < 0)
        return ET_FAIL;
    et_gauge_add(r, streams, 1);
    if (et_sse_begin(r) < 0)
        return ET_FAIL;
    rc = stream(r, &s);
    return rc == 0 || rc == ET_ERETIRE ? ET_DONE : ET_FAIL;
}

ET_ROUTE("GET", "/clock", page, ET_B_NONE, "a page that shows the time")
{
    (void)self;
    et_set(r, "Content-Security-Policy", et_s(page_policy));
    et_set(r, "X-Content-Type-Options", et_s("nosniff"));
    et_set(r, "Referrer-Policy", et_s("no-referrer"));
    return et_bytes_static(r, 200, et_s("text/html; charset=utf-8"),
                           et_s(page_text));
}

ET_PLUGIN_AS("org.etude.clock", "1.0.0", ET_P_UNMAP_OK,
             "the time of day as server-sent events, with a page");
