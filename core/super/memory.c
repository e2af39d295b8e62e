/* SPDX-License-Identifier: BSD-2-Clause */
/* memory.c - see memory.h. */
#include "super/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/figures.h"
#include "base/log.h"
#include "base/vault.h"
#include "conf/conf.h"
#include "os/shared.h"
#include "super/child.h"
#include "super/process.h"
#include "super/state.h"

_Static_assert(SERVERS_MAX == SEATS_MAX, "a child's number is its seat");

/* So many workers a process may have later, whatever it has now. */
#define WORKERS_MIN 16

/* The lanes of a seat: a control thread, and as many workers as there may
 * be. */
static uint64_t
lanes_for(const struct conf *conf)
{
    const long n_cpus = sysconf(_SC_NPROCESSORS_CONF);
    int64_t n = WORKERS_MIN;

    if (2 * n_cpus > n)
        n = 2 * n_cpus;
    if (conf->server.workers > n)
        n = conf->server.workers;
    return 1 + (uint64_t)(n < SEATS_LANES_MAX ? n : SEATS_LANES_MAX - 1);
}

static const struct region_kind *
kind_of(int which)
{
    return which == CTL_STORES ? vault_kind() : figures_kind();
}

/* Takes fd: keep it and its head.  0 or -errno, -EPROTO: it is of another
 * format. */
static int
keep(struct memory *m, int which, int fd, int is_new, uint64_t measure)
{
    const struct region_kind *k = kind_of(which);
    size_t bytes;
    void *p;
    int rc = shared_map(fd, &p, &bytes);

    if (rc == 0 && is_new)
        region_format(p, k, measure);
    if (rc == 0 && !region_is(p, bytes, k)) {
        munmap(p, bytes);
        rc = -EPROTO;
    }
    if (rc < 0) {
        close(fd);
        return rc;
    }
    munmap((char *)p + REGION_HEAD_BYTES, bytes - REGION_HEAD_BYTES);
    m->fds[which] = fd;
    m->heads[which] = p;
    m->bytes[which] = bytes;
    return 0;
}

static int
make(struct memory *m, int which, uint64_t measure)
{
    const struct region_kind *k = kind_of(which);
    int fd = shared_new(k->name, k->bytes(measure));

    return fd < 0 ? fd : keep(m, which, fd, 1, measure);
}

void
memory_open(struct memory *m, const struct conf *conf)
{
    const uint64_t measures[CTL_N_MEMORIES] = {
        [CTL_STORES] = (uint64_t)conf->server.store_memory,
        [CTL_FIGURES] = lanes_for(conf),
    };

    for (int i = 0; i < CTL_N_MEMORIES; i++) {
        int rc = m->fds[i] >= 0 ? 0 : make(m, i, measures[i]);
        m->measures[i] = measures[i];
        if (rc < 0)
            log_warn("%s: %s: they end with each server process",
                     kind_of(i)->name, strerror(-rc));
    }
}

static void
drop(struct memory *m, int which)
{
    region_unmap(m->heads[which], REGION_HEAD_BYTES);
    if (m->fds[which] >= 0)
        close(m->fds[which]);
    m->heads[which] = NULL;
    m->fds[which] = -1;
}

void
memory_close(struct memory *m)
{
    for (int i = 0; i < CTL_N_MEMORIES; i++)
        drop(m, i);
}

/* ---- seats ---------------------------------------------------------------*/

static void
renew(struct memory *m, int which)
{
    const char *name = kind_of(which)->name;
    int rc;

    drop(m, which);
    rc = make(m, which, m->measures[which]);
    if (rc < 0)
        log_error("%s: damaged by a process that had it, and cannot be begun "
                  "anew: %s",
                  name, strerror(-rc));
    else
        log_error("%s: damaged by a process that had it: begun anew", name);
}

void
memory_give(struct memory *m, uint32_t seat)
{
    for (int i = 0; i < CTL_N_MEMORIES; i++) {
        if (m->heads[i] && !region_is(m->heads[i], m->bytes[i], kind_of(i)))
            renew(m, i);
        if (m->heads[i])
            (void)seats_give(&m->heads[i]->seats, seat);
    }
}

void
memory_free(const struct memory *m, uint32_t seat)
{
    for (int i = 0; i < CTL_N_MEMORIES; i++) {
        if (m->heads[i])
            seats_free(&m->heads[i]->seats, seat);
    }
}

void
memory_tell(const struct memory *m, uint32_t seat, struct child *c)
{
    for (uint32_t i = 0; i < CTL_N_MEMORIES; i++) {
        struct ctl_message say = {
            .kind = CTL_MEMORY, .id = i, .result = (int32_t)seat};
        if (m->fds[i] >= 0)
            child_send(c, &say, m->fds[i]);
    }
}

/* ---- for the next supervisor ---------------------------------------------*/

void
memory_save(const struct memory *m, struct state *to)
{
    state_put(to, "memory %d %d", state_fd(m->fds[CTL_STORES]),
              state_fd(m->fds[CTL_FIGURES]));
}

void
memory_load(struct memory *m, const char *line)
{
    int fds[CTL_N_MEMORIES];

    if (sscanf(line, "%d %d", &fds[CTL_STORES], &fds[CTL_FIGURES]) != 2)
        return;
    for (int i = 0; i < CTL_N_MEMORIES; i++) {
        if (fds[i] < 0)
            continue;
        state_take_fd(fds[i]);
        if (keep(m, i, fds[i], 0, 0) < 0)
            log_warn("%s: of another version of this program: begun anew",
                     kind_of(i)->name);
    }
}
