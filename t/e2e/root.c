/* SPDX-License-Identifier: BSD-2-Clause */
/* root.c - a container's worst case: a read-only root, a uid without a name, no
 * /dev/shm, and memory that may not be executed.
 *
 * Arranged in namespaces of its own, which takes root and a kernel that lets
 * us; skipped where that cannot be had. */
/* tags: epoll */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/deny.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SKIPPED 77

/* $1: the program, $2: the ini; $1 empty: only see whether it can be arranged.
 */
static const char script[] =
    "set -e\n"
    "mount -t tmpfs -o ro none /dev/shm || exit 77\n"
    "awk '{print $2}' /proc/self/mounts | while read -r m; do\n"
    "  case $m in /proc*|/sys*|/dev*) ;;\n"
    "  *) mount -o remount,bind,ro \"$m\" || exit 77 ;; esac\n"
    "done\n"
    "! touch \"$2.new\" 2>/dev/null || exit 77\n"
    "[ -n \"$1\" ] || exit 0\n"
    "exec setpriv --reuid=12345 --regid=12345 --clear-groups --inh-caps=-all "
    "\\\n"
    "  --bounding-set=-all \"$1\" -c \"$2\"\n";

static void
enter(const char *program, const char *ini, int has_memfd)
{
    /* As in a container that does not have the call. */
    if (!has_memfd && deny_call(SYS_memfd_create, EPERM) < 0)
        _exit(SKIPPED);
    execlp("unshare", "unshare", "--mount", "--pid", "--fork", "--kill-child",
           "--mount-proc", "sh", "-c", script, "sh", program, ini,
           (char *)NULL);
    _exit(SKIPPED);
}

static int
can_be_arranged(struct server *s, int has_memfd)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        enter("", s->conf, has_memfd);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (status != 0)
        fprintf(stderr, "skipped: no namespace with a read-only root here\n");
    return status == 0;
}

static void
launch(struct server *s, int has_memfd)
{
    const char *build = getenv("T_BUILD");
    char program[PATH_MAX];
    const char *line;
    int fd = open(s->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_ptr_nonnull(realpath(build ? build : "build", program));
    strcat(program, "/etude");
    s->pid = fork();
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        enter(program, s->conf, has_memfd);
    }
    close(fd);
    line = server_wait_log(s, "listening on 127.0.0.1:");
    s->port = (uint16_t)atoi(strrchr(line, ':') + 1);
    server_wait_log(s, " serves: ");
}

static void
serve(int has_memfd)
{
    struct server s;
    struct client c;

    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\nbody_memory = 1k\n"
                       "[plugin life]\n[plugin echo]\n"
                       "[route e]\nmatch = POST /e\nhandler = echo\n");
    ck_assert_int_eq(chmod(s.dir, 0755), 0);
    ck_assert_int_eq(chmod(s.conf, 0644), 0);
    if (geteuid() != 0 || !can_be_arranged(&s, has_memfd)) {
        char command[128];
        snprintf(command, sizeof command, "rm -r %s", s.dir);
        ck_assert_int_eq(system(command), 0);
        return;
    }
    launch(&s, has_memfd);
    c = client_open(&s);
    client_expect(&c, GET("/life"), 200, "life");
    kill(server_pid(&s), SIGHUP);
    ck_assert_ptr_null(strstr(server_wait_log(&s, "reload"), "failed"));
    client_expect(&c, GET("/life"), 200, "life");
    /* There is nowhere to spill a body to. */
    client_printf(&c,
                  "POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
                  "\r\n%05000d",
                  0);
    client_take(&c, 0, 507, NULL);
    client_close(&c);
    if (!has_memfd) {
        size_t seen = s.log_seen;
        s.log_seen = 0;
        server_wait_log(&s, "in place");
        s.log_seen = seen;
    }
    kill(server_pid(&s), SIGTERM);
    ck_assert_int_eq(server_wait(&s), 0);
}

START_TEST(a_read_only_root_and_a_uid_without_a_name)
{
    serve(1);
}
END_TEST

START_TEST(and_without_memory_that_can_be_executed)
{
    serve(0);
}
END_TEST

UNIT_MAIN(root, a_read_only_root_and_a_uid_without_a_name,
          and_without_memory_that_can_be_executed)
