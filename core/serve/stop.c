/* SPDX-License-Identifier: BSD-2-Clause */
/* stop.c - from a process that serves to none; see stop.h. */
#include "serve/stop.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "serve/ask.h"
#include "serve/blame.h"
#include "serve/change.h"
#include "serve/control.h"
#include "serve/listeners.h"
#include "serve/pid_file.h"
#include "serve/process.h"
#include "serve/sandbox.h"

#define GRACE_MAX_MS 1000u
/* Until each worker says close and not ready; one that a plugin blocks later.
 */
#define HEARD_MAX_MS 100u

/* ---- waiting -------------------------------------------------------------*/

/* Wait while is_waiting says so, but not longer than ms, nor past another
 * signal. */
static void
wait_patiently(struct server *s, uint64_t ms,
               int (*is_waiting)(const struct server *s))
{
    uint64_t end_ns = clock_mono_ns() + ms * 1000000u, now_ns;
    int signals = s->orders.stops;

    while (is_waiting(s) && s->orders.stops == signals &&
           (now_ns = clock_mono_ns()) < end_ns)
        control_turn(s, (int)((end_ns - now_ns) / 1000000u) + 1);
}

static int
always(const struct server *s)
{
    (void)s;
    return 1;
}

static int
acceptor_is_out(const struct server *s)
{
    return s->fleet.acceptor_order.is_out;
}

static int
anyone_is_out(const struct server *s)
{
    return s->fleet.n_waiting > 0;
}

/* ---- connections ---------------------------------------------------------*/

/* Serve on with `Connection: close` for shutdown_delay, accept what is queued,
 * let idle connections go after their grace and busy ones when they are done,
 * at most for drain_timeout.  A second signal ends it at once. */
static void
drain(struct server *s)
{
    const struct conf_server *c = &s->gen->conf->server;
    struct fleet *f = &s->fleet;

    s->is_ending = 1;
    fleet_command(f, 0, f->n_workers, order_stopping, NULL);
    wait_patiently(s, HEARD_MAX_MS, anyone_is_out);
    log_info("stopping: up to %lld ms for what is in progress",
             (long long)(c->shutdown_delay + c->drain_timeout));
    if (s->orders.stops == 1)
        wait_patiently(s, (uint64_t)c->shutdown_delay, always);
    listeners_hide(s);
    fleet_unlisten_all(f);
    wait_patiently(s, GRACE_MAX_MS, acceptor_is_out);
    listeners_forget(s);
    fleet_drain(f);
    if (s->orders.stops == 1)
        wait_patiently(s, (uint64_t)c->drain_timeout, anyone_is_out);
}

/* ---- threads and the rest ------------------------------------------------*/

/* False if a thread does not end: a step of a plugin blocks it. */
static int
end_threads(struct server *s)
{
    struct fleet *f = &s->fleet;
    int rc = 0;

    blame_ends_with(SERVER_CUT);
    watchdog_stop(&s->watchdog);
    for (uint32_t i = 0; i < f->n_workers; i++)
        worker_stop(&f->workers[i]);
    acceptor_stop(&f->acceptor);
    for (uint32_t i = 0; i < f->n_workers; i++)
        rc |= worker_join(&f->workers[i], rc == 0 ? GRACE_MAX_MS : 0);
    rc |= acceptor_join(&f->acceptor, GRACE_MAX_MS);
    if (rc == 0)
        rc = jobs_close(&s->jobs, GRACE_MAX_MS);
    if (rc < 0) {
        log_error("a thread does not end; leaving it behind");
        return 0;
    }
    mailbox_deliver(&s->mailbox, s); /* the last generation comes home */
    return 1;
}

/* SERVER_CUT if the end of the threads cut something off. */
static int
count_cut(const struct server *s)
{
    const struct fleet *f = &s->fleet;
    uint32_t n = f->acceptor.n_cut;

    for (uint32_t i = 0; i < f->n_workers; i++)
        n += f->workers[i].n_cut;
    if (n > 0)
        log_warn("stopped in the middle: %u connections are cut off", n);
    return n > 0 ? SERVER_CUT : SERVER_OK;
}

int
stop_serving(struct server *s)
{
    ask_give_up(s);
    drain(s);
    pid_file_remove(s);
    return stop_end(s);
}

int
stop_end(struct server *s)
{
    int code;

    ask_give_up(s);
    if (change_let_go(s) < 0 || !end_threads(s))
        control_leave(s, SERVER_CUT);
    code = count_cut(s);
    listeners_close(s);
    sockets_drop_contexts(&s->sockets);
    contexts_forget(&s->kept);
    handover_fini(&s->handover);
    ask_close(s, code);
    channels_close();
    stores_fini(&s->stores);
    metering_fini(&s->metering);
    census_fini(&s->census);
    regions_close(&s->regions);
    image_set_fini(&s->images);
    fleet_fini(&s->fleet);
    sandbox_rules_free(s->sandbox);
    control_close(s);
    log_info("stopped");
    log_finish(LOG_FINISH_MS);
    return code;
}
