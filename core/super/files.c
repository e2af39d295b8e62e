/* SPDX-License-Identifier: BSD-2-Clause */
/* files.c - see files.h. */
#include "super/files.h"

#include <errno.h>
#include <unistd.h>

#include "conf/bundle.h"
#include "conf/bundle_dump.h"
#include "conf/bundle_remark.h"
#include "conf/conf.h"
#include "os/memfd.h"

/* ---- reading -------------------------------------------------------------*/

/* A bundle in any case: if nothing could be read one that says why.  NULL: no
 * memory even for that. */
static struct bundle *
read_all(const struct files *f)
{
    struct bundle *b;
    struct diag d;

    diag_init(&d);
    b = bundle_from_files(f->path, f->env, &d);
    if (!b)
        b = bundle_of_nothing();
    if (b && bundle_remark_keep(b, &d) < 0) {
        bundle_free(b);
        b = NULL;
    }
    diag_fini(&d);
    return b;
}

/* What is wrong with it is the server process's to say. */
static void
show(struct files *f, const struct bundle *b)
{
    struct diag d;

    diag_init(&d);
    conf_free(f->shown);
    f->shown = conf_parse_some(b, &d);
    diag_fini(&d);
}

static int
dump(const struct bundle *b)
{
    int fd = memfd_open("etude-files");

    return fd < 0 ? fd : memfd_finish(fd, bundle_dump_write(b, fd));
}

/* NULL if there is anything wrong with it. */
static struct conf *
parse(const struct bundle *b)
{
    struct conf *conf;
    struct diag d;

    if (bundle_remark_has_error(b))
        return NULL;
    diag_init(&d);
    conf = conf_parse(b, &d);
    diag_fini(&d);
    return conf;
}

/* ---- what others call ----------------------------------------------------*/

void
files_init(struct files *f, const char *path, char *const *env)
{
    *f = (struct files){.path = path, .env = env, .fd = -1};
}

struct conf *
files_open(struct files *f)
{
    struct bundle *b = read_all(f);
    struct conf *conf;

    if (!b)
        return NULL;
    f->fd = dump(b);
    show(f, b);
    conf = parse(b);
    bundle_free(b);
    return conf;
}

int
files_take(struct files *f)
{
    int fd = f->fd;
    struct bundle *b;

    f->fd = -1;
    if (fd >= 0)
        return fd;
    b = read_all(f);
    if (!b)
        return -ENOMEM;
    fd = dump(b);
    show(f, b);
    bundle_free(b);
    return fd;
}

void
files_close(struct files *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    conf_free(f->shown);
    f->shown = NULL;
}
