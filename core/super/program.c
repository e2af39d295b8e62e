/* SPDX-License-Identifier: BSD-2-Clause */
/* program.c - see program.h. */
#include "super/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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

/* The path we were started by, if it is still that of what we are: of a link
 * (/usr/sbin/etude -> etude-1.2) the link's, which may lead elsewhere by the
 * time it matters.  Else the file's own. */
static int
find_path(char path[PATH_MAX])
{
    const char *said = (const char *)getauxval(AT_EXECFN); /* NOLINT */
    struct stat at_path, us;
    char cwd[PATH_MAX];
    ssize_t n;

    if (!said || !getcwd(cwd, sizeof cwd))
        return -errno;
    n = said[0] == '/' ? snprintf(path, PATH_MAX, "%s", said)
                       : snprintf(path, PATH_MAX, "%s/%s", cwd, said);
    if (n < PATH_MAX && stat("/proc/self/exe", &us) == 0 &&
        stat(path, &at_path) == 0 && us.st_dev == at_path.st_dev &&
        us.st_ino == at_path.st_ino)
        return 0;
    n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n < 0)
        return -errno;
    path[n] = '\0';
    return 0;
}

/* Out of the way of CTL_FD. */
static int
open_at(const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC), high;

    if (fd < 0)
        return -errno;
    high = fcntl(fd, F_DUPFD_CLOEXEC, CTL_FD + 1);
    if (high < 0)
        high = -errno;
    close(fd);
    return high;
}

int
program_open(struct program *p, const char *conf_path, char *const *env)
{
    int rc;

    *p = (struct program){
        .conf_path = conf_path, .own_env = env, .env = copy_env(env)};
    rc = p->fd = open_at("/proc/self/exe");
    if (rc >= 0)
        rc = find_path(p->path);
    if (rc >= 0 && p->env)
        return 0;
    program_close(p);
    return p->env ? rc : -ENOMEM;
}

int
program_reopen(const struct program *p)
{
    return open_at(p->path);
}

/* Another process than the supervisor's for good: no code of a plugin has its
 * rights. */
static void
step_down(const struct identity *who)
{
    int rc = identity_become(who);

    if (rc == 0)
        rc = identity_renounce();
    if (rc == 0)
        return;
    fprintf(stderr, "etude: cannot become user %u, group %u: %s\n",
            (unsigned)who->uid, (unsigned)who->gid, strerror(-rc));
    _exit(SERVER_PERMISSION);
}

/* To the supervisor, in the new process's place: it cannot speak yet. */
static void
say_failed(const char *path, int error)
{
    struct ctl_message m = {.kind = CTL_FAILED, .version = CTL_VERSION_MIN};

    snprintf(m.u.text, sizeof m.u.text, "cannot execute %.400s: %s", path,
             strerror(error));
    (void)!ctl_send(CTL_FD, &m, -1);
}

/* The order matters: the kernel forgets whose death is to end this process when
 * its identity changes, and a supervisor that dies before prctl is noticed
 * behind it. */
void
program_become(const struct program *p, int fd, const char *what,
               const struct identity *who, int channel, pid_t supervisor)
{
    const char *const argv[] = {"etude", what, "-c", p->conf_path, NULL};

    setsid();
    step_down(who);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor)
        _exit(SERVER_INTERNAL);
    signals_unblock();
    if (channel == CTL_FD)
        fcntl(channel, F_SETFD, 0);
    else
        dup2(channel, CTL_FD);
    syscall(SYS_execveat, fd, "", argv, p->env, AT_EMPTY_PATH);
    say_failed(p->path, errno);
    _exit(SERVER_INTERNAL);
}

int
program_succeed(const struct program *p, int fd, int state_fd)
{
    char number[16];
    const char *const argv[] = {"etude",    "-c",   p->conf_path,
                                "--resume", number, NULL};

    snprintf(number, sizeof number, "%d", state_fd);
    syscall(SYS_execveat, fd, "", argv, p->own_env, AT_EMPTY_PATH);
    return -errno;
}

void
program_close(struct program *p)
{
    if (p->fd >= 0)
        close(p->fd);
    identity_fini(&p->who);
    free(p->env);
}
