/* SPDX-License-Identifier: BSD-2-Clause */
/* probe.c - see probe.h. */
#include "serve/probe.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/wheel.h"
#include "conf/bundle.h"
#include "conf/bundle_remark.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/loops.h"
#include "http/waits.h"
#include "http/watches.h"
#include "io/io.h"
#include "io/mailbox.h"
#include "plug/instance.h"
#include "plug/manners.h"
#include "serve/blame.h"
#include "serve/change.h"
#include "serve/generation.h"
#include "serve/outage.h"
#include "serve/process.h"
#include "serve/sandbox.h"
#include "tls/context.h"

/* ---- the one worker ------------------------------------------------------*/

/* What may wait there, which it does in vain. */
#define STAGE_WAITS 65536u

/* What plugins see of it; its loop does not turn, and it has no connections. */
struct stage {
    struct host_worker worker;
    struct clock clock;
    struct wheel wheel;
    struct io *io;
    struct mailbox mailbox;
    struct waits waits;
    struct watches watches;
    struct loops loops;
    struct channels channels; /* nobody is told anything */
};

/* 0, or below 0: there is no memory, or no descriptor. */
static int
set_stage(struct stage *st, struct server *s)
{
    static const struct io_options io = {.n_buffers = 0};
    char why[128];

    clock_update(&st->clock);
    wheel_init(&st->wheel, st->clock.mono_ms);
    if (io_open(&st->io, "epoll", &io, why, sizeof why) < 0 ||
        mailbox_open(&st->mailbox) < 0 ||
        waits_init(&st->waits, 0, STAGE_WAITS, &st->mailbox, s->metrics) < 0 ||
        watches_init(&st->watches, STAGE_WAITS, st->io) < 0 ||
        loops_init(&st->loops, STAGE_WAITS) < 0 ||
        channels_init(&st->channels, 0, STAGE_WAITS, &st->mailbox, &st->clock,
                      s->metrics) < 0)
        return -1;
    host_worker_init(&st->worker, 0, 1);
    st->worker.clock = &st->clock;
    st->worker.metrics = s->metrics;
    st->worker.stores = &s->stores;
    st->worker.wheel = &st->wheel;
    st->worker.waits = &st->waits;
    st->worker.watches = &st->watches;
    st->worker.loops = &st->loops;
    st->worker.channels = &st->channels;
    return 0;
}

/* Whatever plugins have left there has been given back. */
static void
clear_stage(struct stage *st)
{
    waits_close(&st->waits);
    channels_leave(&st->channels);
    mailbox_deliver(&st->mailbox, st);
    waits_fini(&st->waits);
    mailbox_close(&st->mailbox, NULL);
    io_close(st->io);
    watches_fini(&st->watches);
    loops_fini(&st->loops);
    channels_fini(&st->channels);
}

/* What its init has refused is left out: 1.  0: it is an error. */
static int
is_borne(const struct gen *g, const char *why)
{
    const struct instance *failed = g->workers[0].failed;
    char text[700];

    if (!failed)
        return 0;
    snprintf(text, sizeof text, "plugin %s: %s", failed->name, why);
    return outage_note(g->conf, failed->conf.instance.p, text, 1);
}

/* What a worker init has changed is told by who serves: there nobody can tell
 * whose it was. */
static void
keep_remark(void *bundle, const char *text)
{
    const char *copy =
        arena_printf(&((struct bundle *)bundle)->arena, "%s", text);

    if (copy)
        (void)!bundle_remark_add(bundle, DIAG_WARNING, copy);
}

/* Have g made ready as by the one worker; 1: no, but it is to be made once more
 * without the one that has refused. */
static int
try_worker(struct server *s, struct gen *g, struct diag *d)
{
    static struct stage st;
    char why[512] = "";
    int rc;

    if (set_stage(&st, s) < 0) {
        diag_error(d, NULL, "no memory, or no descriptor, to try plugins with");
        return 0;
    }
    manners_tell(keep_remark, g->conf->bundle);
    gen_prepare(g, &st.worker.pub);
    do
        rc = gen_prepare_step(g, &st.worker.pub, why, sizeof why);
    while (rc > 0);
    manners_tell(NULL, NULL);
    if (rc == 0)
        (void)!gen_retire(&g->workers[0]);
    clear_stage(&st);
    if (rc == 0)
        return 0;
    if (is_borne(g, why))
        return 1;
    change_report(g, 0, why, d);
    return 0;
}

/* ---- all of it -----------------------------------------------------------*/

/* The bundle as it would be served, or -errno. */
static int
try_all(struct server *s, struct diag *d)
{
    struct conf *conf;
    struct gen *g;
    int fd;

    image_set_init(&s->images);
    s->settings.n_workers = 1;
    conf = generation_read(s, d);
    if (!conf)
        return -1;
    if (regions_open(&s->regions, &s->channel,
                     (uint64_t)conf->server.store_memory, 1) < 0 ||
        metering_init(&s->metering, &s->regions.figures) < 0) {
        diag_error(d, NULL, "out of memory");
        return -1;
    }
    s->metrics = figures_own(&s->regions.figures, 1);
    stores_init(&s->stores, &s->regions.vault, 1);
    g = generation_make(s, conf, d);
    while (g && try_worker(s, g, d))
        g = generation_make(s, generation_undo(s, g), d);
    if (!g)
        return -1;
    fd = channel_dump(conf->bundle);
    if (fd < 0)
        diag_error(d, NULL, "the configuration cannot be handed on: %s",
                   strerror(-fd));
    generation_dispose(s, g);
    return fd;
}

int
probe_run(const struct server_options *o)
{
    struct server s = {.options = o, .channel = CHANNEL_NONE};
    struct diag d;
    int fd;

    if (log_server_open(NULL) < 0)
        return SERVER_INTERNAL;
    /* What is said of what goes well is said again by who serves it. */
    log_set_level(LOG_ERROR);
    host_set_log_level(LOG_ERROR);
    diag_init(&d);
    context_init();
    handover_init(&s.handover);
    if (channel_open(&s.channel, 1, &s.orders, &s.handover, &s.quarantine, &d) <
            0 ||
        blame_open(s.channel.faults_fd) < 0) {
        diag_print(&d, stderr);
        return SERVER_INTERNAL;
    }
    s.sockets.channel = &s.channel;
    logs_opened_by(&s.channel);
    fd = try_all(&s, &d);
    channel_probed(&s.channel, fd, &d);
    diag_fini(&d);
    contexts_forget(&s.kept);
    stores_fini(&s.stores);
    metering_fini(&s.metering);
    image_set_fini(&s.images);
    sandbox_rules_free(s.sandbox);
    regions_close(&s.regions);
    log_finish(LOG_FINISH_MS);
    return SERVER_OK;
}
