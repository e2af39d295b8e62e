/* SPDX-License-Identifier: BSD-2-Clause */
/* logs.c - the logs of all threads, written by one; see logs.h. */
#include "serve/logs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/host.h"
#include "serve/channel.h"

#define RING_BYTES (1u << 20)
/* After a drain of the logs the control thread sleeps this long without being
 * woken by them. */
#define INTERVAL_MS 10

/* ---- life ----------------------------------------------------------------*/

int
logs_open(struct logs *l)
{
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (l->wake_fd < 0)
        return -errno;
    log_set_wake_fd(l->wake_fd);
    return 0;
}

int
logs_add_rings(struct logs *l, uint32_t n_workers)
{
    uint32_t n = n_workers + 1;
    char name[32];

    l->rings = calloc(n, sizeof(struct log_ring *));
    if (!l->rings)
        return -ENOMEM;
    for (; l->n_rings < n; l->n_rings++) {
        snprintf(name, sizeof name,
                 l->n_rings < n_workers ? "worker %u" : "acceptor", l->n_rings);
        l->rings[l->n_rings] = log_ring_new(name, RING_BYTES);
        if (!l->rings[l->n_rings])
            return -ENOMEM;
    }
    return 0;
}

void
logs_close(struct logs *l)
{
    while (l->n_rings > 0)
        log_ring_free(l->rings[--l->n_rings]);
    free(l->rings);
    log_set_wake_fd(-1);
    close(l->wake_fd);
}

/* ---- who opens files -----------------------------------------------------*/

/* What it does not open for us we may be allowed to. */
static int
ask(void *arg, const char *path)
{
    int is_named, fd = channel_open_log(arg, path, &is_named);

    return is_named ? fd : log_open_path(path);
}

void
logs_opened_by(struct channel *c)
{
    log_set_opener(ask, c);
}

/* ---- what a configuration says -------------------------------------------*/

void
logs_complain(const struct conf *conf, int rc, struct diag *d)
{
    struct place at = conf_place(conf, &conf->server.log);

    diag_error(d, &at, "[server] log: cannot open %s: %s", conf->server.log.p,
               strerror(-rc));
}

int
logs_apply(const struct conf *conf, struct diag *d)
{
    int rc = conf_apply_log(conf);

    if (rc < 0) {
        logs_complain(conf, rc, d);
        return rc;
    }
    host_set_log_level((uint32_t)conf->server.log_level + 1);
    return 0;
}

/* ---- a turn --------------------------------------------------------------*/

int
logs_poll_fd(const struct logs *l)
{
    return l->is_asleep ? l->wake_fd : -1;
}

/* Milliseconds until a drain is due; -1: when woken. */
static int
due_in(const struct logs *l)
{
    uint64_t now_ns = clock_mono_ns();

    if (l->is_asleep)
        return log_is_behind() ? LOG_RETRY_MS : -1;
    return now_ns >= l->due_ns ? 0 : (int)((l->due_ns - now_ns) / 1000000u) + 1;
}

int
logs_timeout(const struct logs *l, int timeout_ms)
{
    int due_ms = due_in(l);

    return due_ms >= 0 && (timeout_ms < 0 || due_ms < timeout_ms) ? due_ms
                                                                  : timeout_ms;
}

void
logs_turn(struct logs *l, int is_woken)
{
    uint64_t count;

    if (!is_woken && due_in(l) != 0 && !log_is_behind())
        return;
    (void)!read(l->wake_fd, &count, sizeof count);
    l->is_asleep = log_drain() == 0;
    l->due_ns = clock_mono_ns() + INTERVAL_MS * 1000000u;
}
