/* SPDX-License-Identifier: BSD-2-Clause */
/* server.c - the server process: a table of contents; see server.h. */
#include "serve/server.h"

#include "base/clock.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "serve/control.h"
#include "serve/leave.h"
#include "serve/process.h"
#include "serve/reload.h"
#include "serve/start.h"
#include "serve/stop.h"
#include "tls/context.h"

/* Drop the stores of plugins that are gone long enough; until when the control
 * thread may sleep. */
static int
sweep_stores(struct server *s)
{
    return stores_sweep(&s->stores, clock_mono_ns() / 1000000u,
                        (uint64_t)s->gen->conf->server.store_keep);
}

static void
reload(struct server *s)
{
    spare_use(&s->spare);
    reload_run(s);
    spare_leave(&s->spare);
}

int
server_run(const struct server_options *o)
{
    struct server s = {.options = o, .channel = CHANNEL_NONE};
    int code;

    if (o->read_fd > 0) {
        s.channel.bundle_fd = o->read_fd;
        s.channel.is_files = 1;
    }
    context_init();
    handover_init(&s.handover);
    code = start_serving(&s);
    if (code != SERVER_OK)
        control_leave(&s, code);
    /* Before each turn: a signal may have come while the last step waited for
     * the threads, and nothing else will wake this one. */
    while (s.orders.stops == 0) {
        if (s.handover.is_ordered)
            return leave_serving(&s);
        if (s.orders.hup)
            reload(&s);
        else
            control_turn(&s, sweep_stores(&s));
    }
    return stop_serving(&s);
}
