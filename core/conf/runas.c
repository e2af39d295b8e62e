/* SPDX-License-Identifier: BSD-2-Clause */
/* runas.c - see runas.h. */
#include "conf/runas.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"

static int
complain(const struct conf *conf, int rc, struct diag *d)
{
    const struct conf_server *s = &conf->server;
    struct place user_at = conf_place(conf, &s->user);
    struct place group_at = conf_place(conf, &s->group);

    switch (rc) {
    case -ENOENT:
        diag_error(d, &user_at, "[server] user: there is no user \"%s\"",
                   s->user.p);
        break;
    case -ESRCH:
        diag_error(d, &group_at, "[server] group: there is no group \"%s\"",
                   s->group.p);
        break;
    case -ENODATA:
        diag_error(d, &user_at,
                   "[server] user: %s is in no user database, so its group is "
                   "not known: set [server] group",
                   s->user.p);
        break;
    case -EPERM:
        diag_error(d, &user_at,
                   "[server] user: only root can have plugins run as \"%s\"; "
                   "this process is of user %u, group %u",
                   s->user.p, (unsigned)geteuid(), (unsigned)getegid());
        break;
    default: diag_error(d, &user_at, "[server] user: %s", strerror(-rc)); break;
    }
    return rc;
}

int
runas_resolve(const struct conf *conf, struct identity *out, struct diag *d)
{
    const struct conf_server *s = &conf->server;
    struct place at = conf_place(conf, &s->group);
    int rc;

    *out = (struct identity){0};
    if (s->group.n && !s->user.n) {
        diag_error(d, &at,
                   "[server] group: it goes with user, which is not "
                   "set");
        return -EINVAL;
    }
    rc = identity_resolve(s->user.n ? s->user.p : "",
                          s->group.n ? s->group.p : "", out);
    if (rc == 0)
        rc = identity_may_become(out);
    return rc < 0 ? complain(conf, rc, d) : 0;
}
