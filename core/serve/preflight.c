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
#include "serve/sandbox.h"

static void
warn_dir(const struct conf *conf, const et_str *field, const char *key,
         struct diag *d)
{
    struct place at = conf_place(conf, field);

    if (field->n && access(field->p, W_OK | X_OK) < 0)
        diag_warn(d, &at, "[server] %s: cannot write to %s: %s", key, field->p,
                  strerror(errno));
}

static int
has_proxy_protocol(const struct conf *conf)
{
    for (size_t i = 0; i < conf->n_listens; i++) {
        if (conf->listens[i].proxy_protocol != CONF_PROXY_OFF)
            return 1;
    }
    return 0;
}

/* What is known of a client when its connection is dealt out is the other end
 * of the socket. */
static void
warn_balance(const struct conf *conf, struct diag *d)
{
    const struct conf_server *c = &conf->server;
    struct place at = conf_place(conf, &c->balance);

    if (c->balance == CONF_BALANCE_ROUND_ROBIN)
        return;
    if (c->accept == CONF_ACCEPT_REUSEPORT)
        diag_warn(d, &at,
                  "[server] balance: the kernel deals connections out, since "
                  "accept = reuseport");
    else if (c->balance == CONF_BALANCE_HASH &&
             (c->trusted_proxies.n > 0 || has_proxy_protocol(conf)))
        diag_warn(d, &at,
                  "[server] balance = hash goes by the address of the proxy, "
                  "whoever is behind it: all its connections go to one worker");
}

void
preflight_warn(const struct conf *conf, struct diag *d)
{
    warn_balance(conf, d);
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
    sandbox_warn(conf, d);
}
