/* SPDX-License-Identifier: BSD-2-Clause */
/* cores.c - see cores.h. */
#include "serve/cores.h"

#include <dirent.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "ctl/faults.h"
#include "os/corefile.h"
#include "plug/guard.h"
#include "plug/text.h"

#define HASH_DIGITS 12
#define WHY_MAX 256

/* A path that handlers may be reading is never freed; it seldom changes. */
static _Atomic(const char *) folder;
static _Atomic int n_left;

/* ---- control -------------------------------------------------------------*/

static int
count_entries(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;

    if (!d) {
        log_warn("core_dir: %s: %m", path);
        return CORES_MAX;
    }
    for (const struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void
change_folder(const char *path)
{
    char why[WHY_MAX];
    const char *trouble = path ? corefile_trouble(why, sizeof why) : NULL;

    int rc = path ? corefile_hold_files() : 0;

    if (rc < 0)
        log_debug("core_dir: without the plugins' code: %s", strerror(-rc));
    atomic_store(&folder, path);
    if (trouble)
        log_warn("core_dir: no core file will be in it: %s", trouble);
}

void
cores_set(const struct conf *conf)
{
    const et_str *path = &conf->server.core_dir;
    const char *now = atomic_load(&folder);
    int n;

    if (path->n == 0 && now)
        change_folder(NULL);
    if (path->n == 0)
        return;
    n = count_entries(path->p);
    atomic_store(&n_left, n < CORES_MAX ? CORES_MAX - n : 0);
    if (n >= CORES_MAX)
        log_warn("core_dir: %s has %d entries: no more are made", path->p, n);
    if (!now || strcmp(now, path->p) != 0)
        change_folder(strdup(path->p));
}

/* ---- handlers ------------------------------------------------------------*/

/* text at to + n, as far as it fits: the new length. */
static size_t
put(char *to, size_t n, const char *text, size_t max)
{
    for (size_t i = 0; i < max && text[i] && n + 1 < PATH_MAX; i++)
        to[n++] = text[i];
    to[n] = '\0';
    return n;
}

static size_t
put_hex(char *to, size_t n, uintptr_t value)
{
    char digits[2 * sizeof value + 1], *p = digits + sizeof digits - 1;

    *p = '\0';
    do {
        *--p = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value);
    return put(to, n, p, sizeof digits);
}

/* Where in its image: of a function of libc, where that was called. */
static uintptr_t
place_of(const struct guard_fault *f)
{
    for (size_t i = 0; i < f->n_frames; i++) {
        const struct text *t = text_find(f->frames[i]);
        if (t)
            return f->frames[i] - t->base;
    }
    return f->pc;
}

int
cores_take(const struct guard_fault *f, const struct faults_record *r)
{
    const char *in = atomic_load(&folder);
    char path[PATH_MAX];
    size_t n;
    int rc;

    if (!in || !r->sha256[0] || atomic_load(&n_left) <= 0)
        return 0;
    n = put(path, 0, in, PATH_MAX);
    n = put(path, n, "/", 1);
    n = put(path, n, r->sha256, HASH_DIGITS);
    n = put(path, n, "-", 1);
    (void)put_hex(path, n, place_of(f));
    rc = corefile_fork(path);
    if (rc == 0)
        atomic_fetch_sub(&n_left, 1);
    return rc == 1;
}
