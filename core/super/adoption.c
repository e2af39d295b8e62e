/* SPDX-License-Identifier: BSD-2-Clause */
/* adoption.c - see adoption.h. */
#include "super/adoption.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/exit.h"
#include "base/log.h"
#include "conf/bundle.h"
#include "conf/bundle_load.h"
#include "conf/conf.h"
#include "conf/runas.h"
#include "os/limit.h"
#include "os/pidfile.h"
#include "super/process.h"
#include "super/super.h"

static const char *
pid_file(const struct conf *conf)
{
    return conf && conf->server.pid_file.n ? conf->server.pid_file.p : "";
}

/* Once it is written it is where the configuration says. */
static void
move_pid_file(struct super *s, const struct conf *to)
{
    char why[256];

    if (!s->was_ready || strcmp(pid_file(s->conf), pid_file(to)) == 0)
        return;
    if (s->has_pid_file)
        pidfile_drop(pid_file(s->conf));
    s->has_pid_file =
        *pid_file(to) && pidfile_put(pid_file(to), why, sizeof why) == 0;
    if (*pid_file(to) && !s->has_pid_file)
        log_error("[server] pid_file: cannot write %s: %s", pid_file(to), why);
}

void
adoption_take(struct super *s, struct conf *conf)
{
    move_pid_file(s, conf);
    conf_free(s->conf);
    s->conf = conf;
    (void)!conf_apply_log(conf);
}

/* Takes the bundle, of which only this is of use here; NULL if it is not one
 * to serve. */
static struct conf *
parse(struct bundle *b, struct diag *d)
{
    struct conf *conf = b ? conf_parse(b, d) : NULL;

    if (b)
        bundle_free(b);
    return conf;
}

int
adoption_find_user(const struct conf *conf, struct identity *who)
{
    struct diag d;
    int rc;

    diag_init(&d);
    rc = runas_resolve(conf, who, &d);
    if (rc == -EPERM)
        diag_print(&d, stderr);
    diag_fini(&d);
    if (rc == 0)
        return SERVER_OK;
    identity_fini(who);
    return rc == -EPERM ? SERVER_PERMISSION : SUPER_NOT_WANTED;
}

void
adoption_raise_limits(const struct conf *conf)
{
    int64_t wanted = conf->server.max_files;
    uint64_t now;

    if (wanted == CONF_AUTO)
        (void)!limit_nofile_raise(&now);
    else
        (void)!limit_nofile_set((uint64_t)wanted, &now);
}

/* That of s->bundle_fd, or NULL. */
static struct conf *
read_dump(const struct super *s)
{
    struct conf *conf;
    struct diag d;

    diag_init(&d);
    conf = parse(bundle_load(s->bundle_fd, &d), &d);
    diag_fini(&d);
    return conf;
}

void
adoption_commit(struct super *s, int fd)
{
    struct conf *conf;

    if (s->bundle_fd >= 0)
        close(s->bundle_fd);
    s->bundle_fd = fd;
    if (fd < 0) {
        log_error("what serves could not be kept in memory: the next server "
                  "process starts from the files as they are then");
        return;
    }
    conf = read_dump(s);
    if (conf)
        adoption_take(s, conf);
}

int
adoption_resume(struct super *s)
{
    struct conf *conf = s->bundle_fd >= 0 ? read_dump(s) : NULL;

    if (!conf)
        conf = files_open(&s->files);
    if (!conf)
        return -EINVAL;
    adoption_take(s, conf);
    return 0;
}
