/* SPDX-License-Identifier: BSD-2-Clause */
/* preflight.c - what a configuration names outside itself; see preflight.h. */
#include "serve/preflight.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "os/file.h"
#include "serve/addresses.h"
#include "serve/logs.h"
#include "serve/pid_file.h"

static void
warn_dir(const struct conf *conf, const et_str *field, const char *key,
         struct diag *d)
{
    struct place at = conf_place(conf, field);

    if (field->n && access(field->p, W_OK | X_OK) < 0)
        diag_warn(d, &at, "[server] %s: cannot write to %s: %s", key, field->p,
                  strerror(errno));
}

void
preflight_warn(const struct conf *conf, struct diag *d)
{
    warn_dir(conf, &conf->server.temp_dir, "temp_dir", d);
    warn_dir(conf, &conf->server.runtime_dir, "runtime_dir", d);
}

static void
check_log(const struct conf *conf, struct diag *d)
{
    const et_str *path = &conf->server.log;
    int rc = path->n ? file_check_write(path->p) : 0;

    if (rc < 0)
        logs_complain(conf, rc, d);
}

void
preflight_check(const struct conf *conf, struct diag *d)
{
    struct addresses all;

    pid_file_check(conf, d);
    check_log(conf, d);
    (void)!addresses_read(&all, conf, d);
    addresses_check(&all, d);
}
