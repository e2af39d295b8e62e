/* SPDX-License-Identifier: BSD-2-Clause */
/* child.c - see child.h. */
#include "super/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "super/denials.h"

static const enum ctl_kind kinds[CHILD_N_ORDERS] = {
    [CHILD_RELOAD] = CTL_RELOAD,
    [CHILD_REOPEN] = CTL_REOPEN,
};

/* ---- orders --------------------------------------------------------------*/

/* It does not read, or is gone: either way it is one to be rid of. */
static void
give_up(const struct child *c, int rc)
{
    if (rc != -EPIPE)
        log_error("server process %d does not listen: %s", (int)c->pid,
                  strerror(-rc));
    kill(c->pid, SIGKILL);
}

void
child_send(struct child *c, struct ctl_message *m, int passed)
{
    int rc;

    m->version = c->version;
    rc = c->channel < 0 ? 0 : ctl_send(c->channel, m, passed);
    if (rc < 0)
        give_up(c, rc);
}

void
child_say(struct child *c, enum ctl_kind kind, int passed)
{
    struct ctl_message m = {.kind = (uint16_t)kind};

    child_send(c, &m, passed);
}

void
child_order(struct child *c, uint32_t order, int bundle_fd,
            enum ctl_source source)
{
    struct ctl_message m = {.kind = (uint16_t)kinds[order], .id = source};

    c->is_out[order] = 1;
    child_send(c, &m, bundle_fd);
}

void
child_done(struct child *c, uint32_t kind)
{
    for (uint32_t i = 0; i < CHILD_N_ORDERS; i++) {
        if (kinds[i] == kind)
            c->is_out[i] = 0;
    }
}

/* ---- life ----------------------------------------------------------------*/

void
child_init(struct child *c)
{
    *c = (struct child){.channel = -1,
                        .faults_fd = -1,
                        .denials_fd = -1,
                        .bundle_fd = -1,
                        .upgrade_fd = -1};
}

int
child_start(struct child *c, const struct program *p,
            const struct child_start *how)
{
    const char *what = how->role == CHILD_PROBING ? "probe" : "server";
    pid_t supervisor = getpid();
    int ends[2], rc = ctl_pair(ends);

    if (rc < 0)
        return rc;
    child_init(c);
    c->channel = ends[0];
    c->version = CTL_VERSION_MIN;
    c->pid = fork();
    if (c->pid == 0)
        program_become(p, how->program_fd, what, how->who ? how->who : &p->who,
                       ends[1], supervisor);
    rc = c->pid < 0 ? -errno : 0;
    close(ends[1]);
    if (rc < 0) {
        child_end(c);
        return rc;
    }
    c->born_ns = clock_mono_ns();
    c->role = (uint8_t)how->role;
    return 0;
}

static void
close_denials(struct child *c)
{
    if (c->denials_fd >= 0)
        close(c->denials_fd);
    c->denials_fd = -1;
}

void
child_answer(struct child *c)
{
    if (denials_answer(c->denials_fd, c->pid, c->is_ready) == 0)
        close_denials(c);
}

void
child_begin(struct child *c, const struct child_start *how)
{
    struct ctl_message m = {
        .kind = CTL_START, .id = how->source, .newest = CTL_VERSION};

    child_send(c, &m, how->bundle_fd);
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
    close_denials(c);
    faults_unmap(c->faults);
    if (c->faults_fd >= 0)
        close(c->faults_fd);
    if (c->bundle_fd >= 0)
        close(c->bundle_fd);
    if (c->upgrade_fd >= 0)
        close(c->upgrade_fd);
    child_init(c);
}
