/* SPDX-License-Identifier: BSD-2-Clause */
/* preflight.c - what a configuration names outside itself; see preflight.h. */
#include "serve/preflight.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "os/sock.h"

/* What is wrong with a folder something is to be created in; NULL: nothing. */
static const char *
fault_of(const char *folder)
{
    if (access(folder, W_OK | X_OK) == 0)
        return NULL;
    return strerror(errno);
}

static void
warn_dir(const struct conf *conf, const et_str *field, const char *key,
         struct diag *d)
{
    struct place at = conf_place(conf, field);
    const char *fault = field->n ? fault_of(field->p) : NULL;

    if (fault)
        diag_warn(d, &at, "[server] %s: cannot write to %s: %s", key, field->p,
                  fault);
}

/* A file that is to be created, or appended to. */
static void
check_file(const struct conf *conf, const et_str *field, const char *key,
           struct diag *d)
{
    struct place at = conf_place(conf, field);
    char folder[PATH_MAX];
    const char *fault;
    char *slash;

    if (field->n == 0 || access(field->p, W_OK) == 0)
        return;
    snprintf(folder, sizeof folder, "%s", field->p);
    slash = strrchr(folder, '/');
    if (!slash)
        return;
    slash[slash == folder] = '\0';
    fault = fault_of(folder);
    if (fault)
        diag_error(d, &at, "[server] %s: cannot write to %s: %s", key, folder,
                   fault);
}

static void
check_name(const struct conf_listen *l, struct diag *d)
{
    struct sock_address a[1];
    char why[256];

    if (l->host.n &&
        sock_resolve(l->host.p, (uint16_t)l->port, a, 1, why, sizeof why) < 0)
        diag_error(d, &l->at, "listen: %s", why);
}

void
preflight_warn(const struct conf *conf, struct diag *d)
{
    warn_dir(conf, &conf->server.temp_dir, "temp_dir", d);
    warn_dir(conf, &conf->server.runtime_dir, "runtime_dir", d);
}

void
preflight_check(const struct conf *conf, struct diag *d)
{
    check_file(conf, &conf->server.pid_file, "pid_file", d);
    check_file(conf, &conf->server.log, "log", d);
    for (size_t i = 0; i < conf->n_listens; i++)
        check_name(&conf->listens[i], d);
}
