/* SPDX-License-Identifier: BSD-2-Clause */
/* child.c - see child.h. */
#include "super/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static const enum ctl_kind kinds[CHILD_N_ORDERS] = {
    [CHILD_RELOAD] = CTL_RELOAD,
    [CHILD_REOPEN] = CTL_REOPEN,
};

/* ---- orders --------------------------------------------------------------*/

/* It does not read, or is gone: either way it is one to be rid of, and its end
 * is told like any other. */
static void
give_up(const struct child *c, int rc)
{
    if (rc != -EPIPE)
        log_error("server process %d does not listen: %s", (int)c->pid,
                  strerror(-rc));
    kill(c->pid, SIGKILL);
}

static void
say(struct child *c, enum ctl_kind kind, int passed)
{
    struct ctl_message m = {.kind = (uint16_t)kind};
    int rc = c->channel < 0 ? 0 : ctl_send(c->channel, &m, passed);

    if (rc < 0)
        give_up(c, rc);
}

static void
give(struct child *c, uint32_t order)
{
    if (c->channel < 0 || !c->orders[order].is_wanted ||
        c->orders[order].is_out)
        return;
    c->orders[order].is_wanted = 0;
    c->orders[order].is_out = 1;
    say(c, kinds[order], -1);
}

void
child_order(struct child *c, uint32_t order)
{
    c->orders[order].is_wanted = 1;
    give(c, order);
}

void
child_done(struct child *c, uint32_t kind)
{
    for (uint32_t i = 0; i < CHILD_N_ORDERS; i++) {
        if (kinds[i] != kind)
            continue;
        c->orders[i].is_out = 0;
        give(c, i);
    }
}

void
child_stop(struct child *c)
{
    say(c, CTL_STOP, -1);
}

/* ---- life ----------------------------------------------------------------*/

int
child_start(struct child *c, const struct program *p, int bundle_fd)
{
    pid_t supervisor = getpid();
    int ends[2], rc = ctl_pair(ends);

    if (rc < 0)
        return rc;
    c->pid = fork();
    if (c->pid == 0)
        program_become(p, ends[1], supervisor);
    rc = c->pid < 0 ? -errno : 0;
    close(ends[1]);
    if (rc < 0) {
        c->pid = 0;
        close(ends[0]);
        return rc;
    }
    c->channel = ends[0];
    c->born_ns = clock_mono_ns();
    say(c, CTL_START, bundle_fd);
    for (uint32_t i = 0; i < CHILD_N_ORDERS; i++)
        give(c, i);
    return 0;
}

void
child_hang_up(struct child *c)
{
    if (c->channel >= 0)
        close(c->channel);
    c->channel = -1;
}

void
child_end(struct child *c)
{
    child_hang_up(c);
    c->pid = 0;
    c->is_ready = 0;
    for (uint32_t i = 0; i < CHILD_N_ORDERS; i++)
        c->orders[i].is_out = 0;
}
