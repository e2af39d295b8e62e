/* SPDX-License-Identifier: BSD-2-Clause */
/* pidfile.c - the file with the server's number; see pidfile.h. */
#include "serve/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "http/gen.h"
#include "serve/process.h"

void
pidfile_complain(const struct conf *conf, int rc, struct diag *d)
{
    struct place at = conf_place(conf, &conf->server.pid_file);

    diag_error(d, &at, "[server] pid_file: cannot write %s: %s",
               conf->server.pid_file.p, strerror(-rc));
}

int
pidfile_write(struct server *s, struct diag *d)
{
    const struct conf *conf = s->gen->conf;
    const char *path = conf->server.pid_file.p;
    char text[32];
    int fd, n, rc = 0;

    if (conf->server.pid_file.n == 0)
        return 0;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (fd < 0 || write(fd, text, (size_t)n) != n) {
        rc = -errno;
        pidfile_complain(conf, rc, d);
    }
    if (fd >= 0)
        close(fd);
    s->has_pid_file = rc == 0;
    return rc;
}

void
pidfile_remove(struct server *s)
{
    if (s->has_pid_file)
        unlink(s->gen->conf->server.pid_file.p);
    s->has_pid_file = 0;
}
