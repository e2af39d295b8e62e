/* SPDX-License-Identifier: BSD-2-Clause */
/* program.c - see program.h. */
#include "super/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/exit.h"
#include "ctl/ctl.h"
#include "os/signals.h"

int
program_open(struct program *p, const char *conf_path, char *const *env)
{
    int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    /* Out of the way of CTL_FD. */
    *p = (struct program){.fd = fcntl(fd, F_DUPFD_CLOEXEC, CTL_FD + 1),
                          .conf_path = conf_path,
                          .env = env};
    close(fd);
    return p->fd < 0 ? -errno : 0;
}

/* The order matters: a supervisor that dies before prctl is noticed behind it.
 */
void
program_become(const struct program *p, int channel, pid_t supervisor)
{
    const char *const argv[] = {"etude", "server", "-c", p->conf_path, NULL};

    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor)
        _exit(SERVER_INTERNAL);
    signals_unblock();
    if (channel == CTL_FD)
        fcntl(channel, F_SETFD, 0);
    else
        dup2(channel, CTL_FD);
    syscall(SYS_execveat, p->fd, "", argv, p->env, AT_EMPTY_PATH);
    _exit(SERVER_INTERNAL);
}

void
program_close(struct program *p)
{
    close(p->fd);
}
