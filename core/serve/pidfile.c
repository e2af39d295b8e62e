/* SPDX-License-Identifier: BSD-2-Clause */
/* pidfile.c - the file with the server's number; see pidfile.h. */
#include "serve/pidfile.h"

#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "http/gen.h"
#include "os/file.h"
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
    int rc;

    if (conf->server.pid_file.n == 0)
        return 0;
    rc = s->options->is_supervised ? channel_pid_file(&s->channel)
                                   : file_put_pid(conf->server.pid_file.p);
    if (rc < 0)
        pidfile_complain(conf, rc, d);
    s->has_pid_file = rc == 0 && !s->options->is_supervised;
    return rc;
}

void
pidfile_remove(struct server *s)
{
    if (s->has_pid_file)
        unlink(s->gen->conf->server.pid_file.p);
    s->has_pid_file = 0;
}
