/* SPDX-License-Identifier: BSD-2-Clause */
/* pid_file.c - the file with the server's number; see pid_file.h. */
#include "serve/pid_file.h"

#include "conf/conf.h"
#include "http/gen.h"
#include "os/pidfile.h"
#include "serve/process.h"

#define WHY_MAX 256

static int
complain(const struct conf *conf, int rc, const char *why, struct diag *d)
{
    struct place at = conf_place(conf, &conf->server.pid_file);

    diag_error(d, &at, "[server] pid_file: cannot write %s: %s",
               conf->server.pid_file.p, why);
    return rc;
}

void
pid_file_check(const struct conf *conf, struct diag *d)
{
    const et_str *path = &conf->server.pid_file;
    char why[WHY_MAX];
    int rc = path->n ? pidfile_check(path->p, why, sizeof why) : 0;

    if (rc < 0)
        (void)complain(conf, rc, why, d);
}

int
pid_file_write(struct server *s, struct diag *d)
{
    const struct conf *conf = s->gen->conf;
    const char *path = conf->server.pid_file.p;
    char why[WHY_MAX];
    int rc;

    if (conf->server.pid_file.n == 0)
        return 0;
    if (s->options->is_supervised)
        rc = channel_pid_file(&s->channel, why, sizeof why);
    else
        rc = pidfile_put(path, why, sizeof why);
    if (rc < 0)
        return complain(conf, rc, why, d);
    s->has_pid_file = !s->options->is_supervised;
    return 0;
}

void
pid_file_remove(struct server *s)
{
    if (s->has_pid_file)
        pidfile_drop(s->gen->conf->server.pid_file.p);
    s->has_pid_file = 0;
}
