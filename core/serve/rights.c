/* SPDX-License-Identifier: BSD-2-Clause */
/* rights.c - what plugins may do; see rights.h. */
#include "serve/rights.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"
#include "conf/runas.h"
#include "os/identity.h"
#include "serve/process.h"

static void
check(const struct conf *conf, struct diag *d)
{
    struct place at = conf_place(conf, &conf->server.user);
    struct diag found;
    struct identity who;
    int rc;

    diag_init(&found);
    rc = runas_resolve(conf, &who, &found);
    if (rc != -EPERM) /* to look, it need not become that user */
        diag_merge(d, &found);
    if ((rc == 0 || rc == -EPERM) && !conf->server.supervise &&
        !identity_is_ours(&who))
        diag_error(d, &at,
                   "[server] user: a single process cannot serve as \"%s\" and "
                   "open what that user may not: supervise = yes, or start it "
                   "as that user",
                   conf->server.user.p);
    diag_fini(&found);
    identity_fini(&who);
}

void
rights_check(const struct server *s, const struct conf *conf, struct diag *d)
{
    if (!s->options->is_supervised)
        check(conf, d);
}

int
rights_drop(const struct server_options *o, const struct conf *conf,
            struct diag *d)
{
    struct place at = conf_place(conf, &conf->server.user);
    struct diag found;
    struct identity who;
    int rc;

    if (o->is_supervised)
        return 0;
    diag_init(&found);
    rc = runas_resolve(conf, &who, &found);
    if (rc == 0) {
        rc = identity_become(&who);
        if (rc < 0)
            diag_error(d, &at, "[server] user: cannot become \"%s\": %s",
                       conf->server.user.p, strerror(-rc));
    } else if (geteuid() != 0) {
        rc = 0;
    } else {
        diag_merge(d, &found); /* where rights_check has not said it */
    }
    diag_fini(&found);
    identity_fini(&who);
    return rc;
}

void
rights_log(void)
{
    if (geteuid() == 0)
        log_warn("plugins run as root: [server] user = NAME has them run as "
                 "somebody else");
}
