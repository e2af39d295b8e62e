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
/* What buffered bodies may take of the machine's (cgroup's) memory. */
#define BODY_SHARE 4
#define BODY_TOTAL_DEFAULT ((int64_t)1 << 30)

static uint64_t
raise_descriptors(void)
{
    uint64_t now;
    int rc = limit_nofile_raise(&now);

    if (rc < 0)
        log_warn("RLIMIT_NOFILE stays at %llu: %s", (unsigned long long)now,
                 strerror(-rc));
    return now;
}

static uint32_t
choose_slab(const struct conf *conf, uint32_t n_workers)
{
    uint64_t fds = raise_descriptors();
    uint64_t share = fds > FDS_RESERVED ? (fds - FDS_RESERVED) / n_workers : 1;
    int64_t wanted = conf->server.slab_capacity;
    struct place at = conf_place(conf, &conf->server.slab_capacity);

    if (share == 0)
        share = 1;
    if (wanted == CONF_AUTO)
        return (uint32_t)(share < SLAB_DEFAULT ? share : SLAB_DEFAULT);
    if ((uint64_t)wanted * n_workers > fds)
        log_warn("%s:%u: [server] slab_capacity = %lld for each of %u workers "
                 "needs more descriptors than RLIMIT_NOFILE allows (%llu)",
                 at.file ? at.file : "?", at.line, (long long)wanted, n_workers,
                 (unsigned long long)fds);
    return (uint32_t)wanted;
}

static int64_t
choose_body_total(const struct conf *conf, uint64_t memory)
{

    if (conf->server.body_memory_total != CONF_AUTO)
        return conf->server.body_memory_total;
    if (memory == 0 || memory / BODY_SHARE > (uint64_t)BODY_TOTAL_DEFAULT)
        return BODY_TOTAL_DEFAULT;
    return (int64_t)(memory / BODY_SHARE);
}

void
settings_choose(struct settings *s, const struct conf *conf)
{
    static const char *const events[] = {
        [CONF_EVENT_AUTO] = "auto",
        [CONF_EVENT_IO_URING] = "io_uring",
        [CONF_EVENT_EPOLL] = "epoll",
    };
    char cpus[256] = "", pins[256] = "";
    struct cpu_facts facts;
    uint32_t n;
    int should_pin;

    cpu_facts_read(&facts, "");
    n = cpu_workers(&facts, cpus, sizeof cpus);
    should_pin = cpu_should_pin(&facts, pins, sizeof pins);
    if (conf->server.workers != CONF_AUTO) {
        n = (uint32_t)conf->server.workers;
        snprintf(cpus, sizeof cpus, "configured");
    }
    s->n_workers = n;
    s->pins = conf->server.pin == CONF_PIN_YES ||
              (conf->server.pin == CONF_PIN_AUTO && should_pin);
    s->slab_capacity = choose_slab(conf, n);
    s->body_memory_total = choose_body_total(conf, facts.cgroup.memory_max);
    /* Bodies are bounded by their own budget; output, input and arenas get a
     * share for each connection that is busy at once. */
    s->worker_memory =
        (uint64_t)s->body_memory_total + (uint64_t)s->slab_capacity * 64 * 1024;
    s->event = events[conf->server.event];
    snprintf(s->why, sizeof s->why,
             "workers = %u (%s), pin = %s (%s), slab_capacity = %u, "
             "body_memory_total = %lld",
             n, cpus, s->pins ? "yes" : "no",
             conf->server.pin == CONF_PIN_AUTO ? pins : "configured",
             s->slab_capacity, (long long)s->body_memory_total);
}

void
settings_limits(struct limits *l, const struct conf *conf)
{
    const struct conf_server *c = &conf->server;

    *l = (struct limits){
        .head = {.max_line = (uint32_t)c->max_target,
                 .max_header = (uint32_t)c->max_header,
                 .max_fields = (uint32_t)c->max_headers},
        .max_body = (uint64_t)c->max_body,
        .body_memory = (uint64_t)c->body_memory,
        .discard_body = (uint64_t)c->discard_body,
        .temp_max = (uint64_t)c->temp_max,
        .keepalive_ms = (uint32_t)c->keepalive_timeout,
        .header_ms = (uint32_t)c->header_timeout,
        .body_ms = (uint32_t)c->body_timeout,
        .write_ms = (uint32_t)c->write_timeout,
        .idle_demote_ms = (uint32_t)c->idle_demote,
        .idle_grace_ms = (uint32_t)c->idle_grace,
        .body_min_rate = (uint32_t)c->body_min_rate,
        .read_buffer = (uint32_t)c->read_buffer,
        .write_buffer = (uint32_t)c->write_buffer,
    };
    l->idle_soonest_ms = l->keepalive_ms ? l->keepalive_ms : l->header_ms;
    if (l->write_ms < l->idle_soonest_ms)
        l->idle_soonest_ms = l->write_ms;
    snprintf(l->temp_dir, sizeof l->temp_dir, "%s",
             c->temp_dir.n ? c->temp_dir.p : "/tmp");
}

const char *
settings_runtime_dir(const struct conf *conf)
{
    static const char usual[] = "/run/etude";

    if (conf->server.runtime_dir.n)
        return conf->server.runtime_dir.p;
    return access(usual, W_OK | X_OK) == 0 ? usual : NULL;
}
