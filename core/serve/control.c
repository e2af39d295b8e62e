/* SPDX-License-Identifier: BSD-2-Clause */
/* control.c - one turn of the control thread; see control.h. */
#include "serve/control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/robbed.h"
#include "os/limit.h"
#include "os/signals.h"
#include "plug/guard.h"
#include "serve/aftermath.h"
#include "serve/ask.h"
#include "serve/blame.h"
#include "serve/listeners.h"
#include "serve/pid_file.h"
#include "serve/process.h"
#include "work/parcel.h"

/* ---- life ----------------------------------------------------------------*/

uint64_t
control_connections(const struct server *s)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < s->fleet.n_workers; i++) {
        const struct worker *w = &s->fleet.workers[i];
        if (!worker_is_lost(w))
            n += metrics_get(w->env.metrics, METRIC_connections_active);
    }
    return n;
}

/* Somebody waits for the threads.  A second order to stop, before the stop has
 * begun, means that this takes too long: a thread does not answer. */
static void
on_wait(void *arg, int timeout_ms)
{
    struct server *s = arg;

    control_turn(s, timeout_ms);
    if (s->orders.stops < 2 || s->is_ending)
        return;
    if (control_connections(s) == 0)
        control_leave(s, SERVER_OK);
    log_warn("stopping now: connections are cut off");
    control_leave(s, SERVER_CUT);
}

int
control_open(struct server *s, struct diag *d)
{
    char why[LIMIT_TEXT_LEN];
    int rc;

    s->fleet.step = on_wait;
    s->fleet.arg = s;
    rc = s->signal_fd = signals_open(0);
    if (rc >= 0)
        rc = logs_open(&s->logs);
    if (rc >= 0)
        rc = mailbox_open(&s->mailbox);
    if (rc >= 0)
        return 0;
    diag_error(d, NULL, "the control thread's descriptors: %s",
               limit_explain(rc, why, sizeof why));
    return rc;
}

void
control_close(struct server *s)
{
    mailbox_close(&s->mailbox, parcel_drop_record);
    logs_close(&s->logs);
    close(s->signal_fd);
}

void
control_leave(struct server *s, int code)
{
    listeners_hide(s);
    listeners_forget(s);
    pid_file_remove(s);
    ask_hide(s, code);
    image_remove_map(&s->images);
    log_finish(LOG_FINISH_MS);
    _exit(code);
}

/* ---- signals -------------------------------------------------------------*/

static void
read_signals(struct server *s)
{
    struct signalfd_siginfo si;

    while (read(s->signal_fd, &si, sizeof si) == (ssize_t)sizeof si) {
        switch (si.ssi_signo) {
        case SIGHUP: s->orders.hup = 1; break;
        case SIGUSR1: s->orders.usr1 = 1; break;
        case SIGUSR2:
            log_warn("SIGUSR2: only a supervisor can upgrade; ignored");
            break;
        default:
            s->orders.stops +=
                signals_is_another(&s->stopped_by, &si, clock_mono_ns());
            break;
        }
    }
}

/* ---- mail ----------------------------------------------------------------*/

static void
read_mail(struct server *s)
{
    struct record v[MAILBOX_BATCH];

    while (mailbox_recv(&s->mailbox, v) == MAILBOX_BATCH)
        continue;
    mailbox_deliver(&s->mailbox, s);
}

/* ---- a turn --------------------------------------------------------------*/

/* Signals that mean something at once, wherever the control thread waits. */
static void
obey(struct server *s)
{
    if (s->orders.refused) {
        metrics_add(s->metrics, METRIC_reloads_failed, s->orders.refused);
        s->orders.refused = 0;
    }
    if (s->orders.usr1) {
        s->orders.usr1 = 0;
        log_info("log files reopened, %d failed", log_reopen());
        channel_done(&s->channel, CTL_REOPEN, 0);
    }
}

/* A plugin has closed what is not its own, and nobody could stop us any more.
 */
static _Noreturn void
end_deaf(int fd)
{
    robbed_note("one of the control thread's", fd);
    if (blame_await() == 0)
        guard_lose(robbed_look());
    for (;;)
        pause();
}

/* Descriptors that are not there, and a pipe without its other end: poll would
 * never wait again. */
static void
check_polled(const struct pollfd *p, size_t n, int pipe_fd)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i].revents & POLLNVAL ||
            (p[i].revents & POLLHUP && p[i].fd == pipe_fd))
            end_deaf(p[i].fd);
    }
}

/* What came, or what became due, if anything did. */
static void
act(struct server *s, const struct pollfd *p)
{
    int is_supervised = s->channel.fd >= 0;

    /* A process that is supervised takes orders from nobody else. */
    if (p[0].revents && is_supervised)
        channel_read(&s->channel);
    else if (p[0].revents)
        read_signals(s);
    logs_turn(&s->logs, p[2].revents != 0);
    metrics_set(s->metrics, METRIC_log_records_dropped, log_dropped());
    if (p[4].revents)
        aftermath_look(s);
    read_mail(s);
    handover_turn(s);
    ask_turn(s);
    obey(s);
}

void
control_turn(struct server *s, int timeout_ms)
{
    int is_supervised = s->channel.fd >= 0;
    struct pollfd p[5 + HANDOVER_POLLS] = {
        {.fd = is_supervised ? s->channel.fd : s->signal_fd, .events = POLLIN},
        {.fd = s->mailbox.read_fd, .events = POLLIN},
        {.fd = logs_poll_fd(&s->logs), .events = POLLIN},
        {.fd = ask_poll_fd(s), .events = POLLIN},
        {.fd = blame_report_fd(), .events = POLLIN},
    };

    handover_poll(s, p + 5);
    timeout_ms = handover_timeout(s, ask_timeout(s, timeout_ms));
    if (poll(p, ARRAY_LEN(p), logs_timeout(&s->logs, timeout_ms)) < 0 &&
        errno != EINTR)
        log_error("control: poll: %s", strerror(errno));
    check_polled(p, ARRAY_LEN(p), s->mailbox.read_fd);
    if (channel_is_lost(&s->channel)) /* poll has waited for what it was */
        end_deaf(s->channel.fd);
    spare_use(&s->spare); /* whatever it is: mail may come meanwhile */
    act(s, p);
    spare_leave(&s->spare);
}
