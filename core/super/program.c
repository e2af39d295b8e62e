/* SPDX-License-Identifier: BSD-2-Clause */
/* program.c - see program.h. */
#include "super/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/exit.h"
#include "ctl/ctl.h"
#include "os/signals.h"

/* A process that is told to speak for the service could do so. */
static const char *const kept_back[] = {
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
    "LISTEN_FDS",    "LISTEN_PID",    "LISTEN_FDNAMES",
};

/* The value if variable is NAME=value of this name. */
static const char *
value_of(const char *variable, const char *name)
{
    size_t n = strlen(name);

    return strncmp(variable, name, n) == 0 && variable[n] == '='
               ? variable + n + 1
               : NULL;
}

const char *
program_env(char *const *env, const char *name)
{
    const char *value = NULL;

    for (; *env && !value; env++)
        value = value_of(*env, name);
    return value;
}

static int
is_kept_back(const char *variable)
{
    for (size_t i = 0; i < ARRAY_LEN(kept_back); i++) {
        if (value_of(variable, kept_back[i]))
            return 1;
    }
    return 0;
}

static char **
copy_env(char *const *env)
{
    size_t n = 0;
    char **copy;

    while (env[n])
        n++;
    copy = calloc(n + 1, sizeof *copy);
    for (n = 0; copy && *env; env++) {
        if (!is_kept_back(*env))
            copy[n++] = *env;
    }
    return copy;
}

int
program_open(struct program *p, const char *conf_path, char *const *env)
{
    int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    /* Out of the way of CTL_FD. */
    *p = (struct program){.fd = fcntl(fd, F_DUPFD_CLOEXEC, CTL_FD + 1),
                          .conf_path = conf_path,
                          .env = copy_env(env)};
    close(fd);
    if (p->fd >= 0 && p->env)
        return 0;
    program_close(p);
    return p->env ? -errno : -ENOMEM;
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
    if (p->fd >= 0)
        close(p->fd);
    free(p->env);
}
