/* SPDX-License-Identifier: BSD-2-Clause */
/* signals.c - the signals the process listens to; see signals.h. */
#include "os/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

int
signals_open(int more)
{
    static const int ours[] = {SIGHUP,  SIGUSR1, SIGUSR2,
                               SIGTERM, SIGINT,  SIGQUIT};
    sigset_t set;
    int fd;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        sigaddset(&set, ours[i]);
    if (more)
        sigaddset(&set, more);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void
signals_unblock(void)
{
    sigset_t none;

    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

struct stop_order
signals_stop_order(const struct signalfd_siginfo *si, uint64_t now_ns)
{
    return (struct stop_order){
        .signo = si->ssi_signo,
        .sender = si->ssi_code == SI_KERNEL ? 0 : si->ssi_pid,
        .ns = now_ns,
    };
}

int
signals_is_repeated(const struct stop_order *last, const struct stop_order *now)
{
    uint64_t within_ms = last->sender == now->sender ? SIGNALS_ONE_SENDER_MS
                                                     : SIGNALS_TWO_SENDERS_MS;

    return last->signo == now->signo &&
           now->ns - last->ns < within_ms * 1000000u;
}

int
signals_is_another(struct stop_order *last, const struct signalfd_siginfo *si,
                   uint64_t now_ns)
{
    const struct stop_order now = signals_stop_order(si, now_ns);
    int is_another = !signals_is_repeated(last, &now);

    *last = now;
    return is_another;
}
