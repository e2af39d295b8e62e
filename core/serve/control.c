/* SPDX-License-Identifier: BSD-2-Clause */
/* control.c - one turn of the control thread; see control.h. */
#include "serve/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "os/limit.h"
#include "serve/listeners.h"
#include "serve/pidfile.h"
#include "serve/process.h"

#define STOP_AGAIN_MS 200u

/* ---- life ----------------------------------------------------------------*/

static int
open_signals(void)
{
    sigset_t set;
    int fd;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGQUIT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void
on_wait(void *arg, int timeout_ms)
{
    control_turn(arg, timeout_ms);
}

int
control_open(struct server *s, struct diag *d)
{
    char why[LIMIT_TEXT_LEN];
    int rc;

    s->fleet.step = on_wait;
    s->fleet.arg = s;
    rc = s->signal_fd = open_signals();
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
    mailbox_close(&s->mailbox);
    logs_close(&s->logs);
    close(s->signal_fd);
}

void
control_leave(struct server *s, int code)
{
    listeners_hide(s);
    listeners_forget(s);
    pidfile_remove(s);
    log_drain();
    _exit(code);
}

/* ---- signals -------------------------------------------------------------*/

/* A signal often comes twice at once - to the process and to its group - and
 * means one thing. */
static void
note_stop(struct server *s)
{
    uint64_t now_ns = clock_mono_ns();

    if (s->stops == 0 || now_ns - s->stop_ns > STOP_AGAIN_MS * 1000000u)
        s->stops++;
    s->stop_ns = now_ns;
}

static void
read_signals(struct server *s)
{
    struct signalfd_siginfo si;

    while (read(s->signal_fd, &si, sizeof si) == (ssize_t)sizeof si) {
        switch (si.ssi_signo) {
        case SIGHUP: s->hup = 1; break;
        case SIGUSR1: s->usr1 = 1; break;
        case SIGUSR2:
            log_warn("SIGUSR2: this build cannot upgrade in place; ignored");
            break;
        default: note_stop(s); break;
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
    if (s->stops > 1 && !s->is_ending) { /* a worker does not answer */
        log_warn("stopping now: connections are cut off");
        control_leave(s, SERVER_CUT);
    }
    if (s->usr1) {
        s->usr1 = 0;
        log_info("log files reopened, %d failed", log_reopen());
    }
}

void
control_turn(struct server *s, int timeout_ms)
{
    struct pollfd p[] = {
        {.fd = s->signal_fd, .events = POLLIN},
        {.fd = s->mailbox.read_fd, .events = POLLIN},
        {.fd = logs_poll_fd(&s->logs), .events = POLLIN},
    };

    if (poll(p, ARRAY_LEN(p), logs_timeout(&s->logs, timeout_ms)) < 0 &&
        errno != EINTR)
        log_error("control: poll: %s", strerror(errno));
    if (p[0].revents)
        read_signals(s);
    logs_turn(&s->logs, p[2].revents != 0);
    read_mail(s);
    obey(s);
}
