/* SPDX-License-Identifier: BSD-2-Clause */
/* leave.c - see leave.h. */
#include "serve/leave.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "conn/census.h"
#include "http/gen.h"
#include "serve/control.h"
#include "serve/listeners.h"
#include "serve/process.h"
#include "serve/stop.h"

/* How often to look whether it is over. */
#define LOOK_MS 20

/* Nothing is here: a worker says so of its slots at any time, but what is
 * between the threads is only seen by waiting until all have looked. */
static int
is_empty(struct server *s)
{
    const struct handover *h = &s->handover;

    if (h->n_sources > 0 || h->first || control_connections(s) > 0)
        return 0;
    (void)fleet_flush(&s->fleet);
    return h->n_sources == 0 && !h->first && control_connections(s) == 0 &&
           s->fleet.n_held == 0;
}

/* Whatever was idle has gone over; said once. */
static void
tell(struct server *s)
{
    if (s->handover.is_told || s->handover.first ||
        fleet_flush(&s->fleet) > 0 || s->handover.first)
        return;
    s->handover.is_told = 1;
    channel_given(&s->channel);
}

/* How long a process that has lost a worker has, at most; 0: none is lost. */
static uint32_t
die_ms(const struct server *s)
{
    const struct conf_server *c = &s->gen->conf->server;
    int64_t ms =
        c->crash_drain < c->drain_timeout ? c->crash_drain : c->drain_timeout;

    if (fleet_count_lost(&s->fleet) == 0)
        return 0;
    return ms > 0 ? (uint32_t)ms : 1;
}

int
leave_serving(struct server *s)
{
    uint64_t ms = (uint64_t)s->gen->conf->server.drain_timeout;
    uint64_t end_ns = clock_mono_ns() + ms * 1000000u;

    log_info("another process serves: connections go there");
    census_limit(&s->census, 0); /* who waits to be let in goes along */
    watchdog_heir_serves(&s->watchdog);
    listeners_cede(s);
    fleet_leave(&s->fleet, handover_post, die_ms(s));
    while (s->orders.stops == 0 && !is_empty(s) && clock_mono_ns() < end_ns) {
        tell(s);
        control_turn(s, s->handover.is_told ? LOOK_MS : 1);
    }
    if (fleet_count_lost(&s->fleet) > 0) {
        log_finish(LOG_FINISH_MS);
        watchdog_has_left(&s->watchdog);
    }
    return s->orders.stops > 0 ? stop_serving(s) : stop_end(s);
}
