/* SPDX-License-Identifier: BSD-2-Clause */
/* settings.c - what the configuration leaves to the machine; see settings.h. */
#include "serve/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"
#include "os/cpu.h"
#include "os/limit.h"

/* Descriptors that are no connections: files, pipes, rings, listeners. */
#define FDS_RESERVED 256u
#define SLAB_DEFAULT 16384u
#define SLAB_FEW 64u /* fewer are worth a warning */
/* What buffered bodies may take of the machine's (cgroup's) memory. */
#define BODY_SHARE 4
#define BODY_TOTAL_DEFAULT (1 << 30)

/* ---- slab_capacity -------------------------------------------------------*/

/* The supervisor has done so already, as far as it may more than this process:
 * then nothing is left to do. */
static uint64_t
raise_descriptors(const struct conf *conf, struct diag *d)
{
    const int64_t *wanted = &conf->server.max_files;
    struct place at = conf_place(conf, wanted);
    uint64_t now;
    int rc;

    if (*wanted == CONF_AUTO)
        rc = limit_nofile_raise(&now);
    else
        rc = limit_nofile_set((uint64_t)*wanted, &now);
    if (rc < 0 && *wanted != CONF_AUTO)
        diag_warn(d, &at,
                  "[server] max_files: %lld are wanted, RLIMIT_NOFILE stays at "
                  "%llu: %s: raise it (ulimit -Hn, LimitNOFILE= of systemd) or "
                  "the sysctl fs.nr_open",
                  (long long)*wanted, (unsigned long long)now, strerror(-rc));
    else if (rc < 0)
        diag_warn(d, NULL, "RLIMIT_NOFILE stays at %llu: %s",
                  (unsigned long long)now, strerror(-rc));
    return now;
}

/* What of fds is left for the connections of each worker. */
static uint32_t
share_of(uint64_t fds, uint32_t n_workers)
{
    uint64_t share = fds > FDS_RESERVED ? (fds - FDS_RESERVED) / n_workers : 0;

    if (share >= SLAB_DEFAULT)
        return SLAB_DEFAULT;
    return share > 0 ? (uint32_t)share : 1;
}

static uint32_t
divide_descriptors(struct settings *s, uint64_t fds, struct diag *d)
{
    uint32_t share = share_of(fds, s->n_workers);

    snprintf(s->slab_why, sizeof s->slab_why, "default");
    if (share < SLAB_DEFAULT)
        snprintf(s->slab_why, sizeof s->slab_why, "RLIMIT_NOFILE is %llu",
                 (unsigned long long)fds);
    if (share < SLAB_FEW)
        diag_warn(d, NULL,
                  "slab_capacity = %u: each of %u workers holds no more "
                  "connections than that, since RLIMIT_NOFILE is %llu and %u "
                  "are kept for files: raise it (ulimit -n, LimitNOFILE= of "
                  "systemd)",
                  share, s->n_workers, (unsigned long long)fds, FDS_RESERVED);
    return share;
}

static void
choose_slab(struct settings *s, const struct conf *conf, struct diag *d)
{
    const int64_t *wanted = &conf->server.slab_capacity;
    struct place at = conf_place(conf, wanted);
    uint64_t fds = raise_descriptors(conf, d);

    if (*wanted == CONF_AUTO) {
        s->slab_capacity = divide_descriptors(s, fds, d);
        return;
    }
    s->slab_capacity = (uint32_t)*wanted;
    snprintf(s->slab_why, sizeof s->slab_why, "configured");
    if ((uint64_t)*wanted * s->n_workers > fds)
        diag_warn(d, &at,
                  "[server] slab_capacity = %lld for each of %u workers needs "
                  "more descriptors than RLIMIT_NOFILE allows (%llu)",
                  (long long)*wanted, s->n_workers, (unsigned long long)fds);
}

/* ---- the others ----------------------------------------------------------*/

static void
choose_workers(struct settings *s, const struct conf *conf,
               const struct cpu_facts *facts)
{
    s->n_workers = cpu_workers(facts, s->workers_why, sizeof s->workers_why);
    if (conf->server.workers == CONF_AUTO)
        return;
    s->n_workers = (uint32_t)conf->server.workers;
    snprintf(s->workers_why, sizeof s->workers_why, "configured");
}

static void
choose_pins(struct settings *s, const struct conf *conf,
            const struct cpu_facts *facts)
{
    s->pins = cpu_should_pin(facts, s->pins_why, sizeof s->pins_why);
    if (conf->server.pin == CONF_PIN_AUTO)
        return;
    s->pins = conf->server.pin == CONF_PIN_YES;
    snprintf(s->pins_why, sizeof s->pins_why, "configured");
}

static void
choose_body_total(struct settings *s, const struct conf *conf, uint64_t memory)
{
    const char *why = "default";

    s->body_memory_total = BODY_TOTAL_DEFAULT;
    if (conf->server.body_memory_total != CONF_AUTO) {
        s->body_memory_total = conf->server.body_memory_total;
        why = "configured";
    } else if (memory > 0 && memory / BODY_SHARE < BODY_TOTAL_DEFAULT) {
        s->body_memory_total = (int64_t)(memory / BODY_SHARE);
        why = "a quarter of the cgroup's memory.max";
    }
    snprintf(s->body_why, sizeof s->body_why, "%s", why);
}

void
settings_choose(struct settings *s, const struct conf *conf, struct diag *d)
{
    static const char *const events[] = {
        [CONF_EVENT_AUTO] = "auto",
        [CONF_EVENT_IO_URING] = "io_uring",
        [CONF_EVENT_EPOLL] = "epoll",
    };
    struct cpu_facts facts;

    cpu_facts_read(&facts, "");
    choose_workers(s, conf, &facts);
    choose_pins(s, conf, &facts);
    choose_slab(s, conf, d);
    choose_body_total(s, conf, facts.cgroup.memory_max);
    /* Bodies are bounded by their own budget; output, input and arenas get a
     * share for each connection that is busy at once. */
    s->worker_memory = (uint64_t)s->body_memory_total +
                       (uint64_t)s->slab_capacity * 64 * 1024 +
                       (uint64_t)conf->server.ws_deflate_memory;
    s->event = events[conf->server.event];
}

void
settings_log(const struct settings *s)
{
    int is_auto = strcmp(s->event, "auto") == 0;
    const char *why = s->backend_why;

    log_info("workers = %u (%s), pin = %s (%s), event = %s (%s%s%s), "
             "slab_capacity = %u (%s), body_memory_total = %lld (%s)",
             s->n_workers, s->workers_why, s->pins ? "yes" : "no", s->pins_why,
             s->backend, is_auto ? "auto" : "configured", *why ? ": " : "", why,
             s->slab_capacity, s->slab_why, (long long)s->body_memory_total,
             s->body_why);
}

void
settings_limits(struct limits *l, const struct conf *conf)
{
    const struct conf_server *c = &conf->server;

    *l = (struct limits){
        .head = {.max_line = (uint32_t)c->max_request_line + 2, /* CR LF */
                 .max_header = (uint32_t)c->max_header,
                 .max_fields = (uint32_t)c->max_headers},
        .max_body = (uint64_t)c->max_body,
        .body_memory = (uint64_t)c->body_memory,
        .discard_body = (uint64_t)c->discard_body,
        .temp_max = (uint64_t)c->temp_max,
        .keepalive_ms = (uint32_t)c->keepalive_timeout,
        .handshake_ms = (uint32_t)c->handshake_timeout,
        .header_ms = (uint32_t)c->header_timeout,
        .body_ms = (uint32_t)c->body_timeout,
        .write_ms = (uint32_t)c->write_timeout,
        .drain_ms = (uint32_t)c->drain_timeout,
        .idle_demote_ms =
            c->idle_demote > 0 ? (uint32_t)c->idle_demote : UINT32_MAX,
        .idle_grace_ms = (uint32_t)c->idle_grace,
        .body_min_rate = (uint32_t)c->body_min_rate,
        .read_buffer = (uint32_t)c->read_buffer,
        .write_buffer = (uint32_t)c->write_buffer,
    };
    l->max_requests = c->max_requests_per_connection > 0
                          ? (uint32_t)c->max_requests_per_connection
                          : UINT32_MAX;
    l->max_per_client = (uint32_t)c->max_connections_per_ip;
    l->trusts_proxies = c->trusted_proxies.n > 0;
    l->shed_requests = (uint32_t)c->shed_requests;
    l->shed_lag_ns = (uint64_t)c->shed_lag * 1000000u;
    l->h2_streams = (uint32_t)c->h2_streams;
    l->h2_window = (uint32_t)c->h2_window;
    l->streams = (struct streams_limits){
        .max_message = (uint32_t)c->ws_max_message,
        .queue = (uint32_t)c->ws_queue,
        .ping_ms = (uint32_t)c->ws_ping,
        .drain_ms = (uint32_t)c->drain_timeout,
        .deflate = (uint32_t)c->ws_deflate,
        .deflate_min = (uint32_t)c->ws_deflate_min,
        .deflate_memory = (uint64_t)c->ws_deflate_memory,
    };
    l->rebalances = (uint32_t)c->rebalance;
    l->idle_soonest_ms = l->keepalive_ms ? l->keepalive_ms : l->header_ms;
    if (l->write_ms < l->idle_soonest_ms)
        l->idle_soonest_ms = l->write_ms;
    snprintf(l->temp_dir, sizeof l->temp_dir, "%s",
             c->temp_dir.n ? c->temp_dir.p : "/tmp");
}
