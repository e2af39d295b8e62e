/* SPDX-License-Identifier: BSD-2-Clause */
/* addresses.c - what a configuration wants to listen on; see addresses.h. */
#include "serve/addresses.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "os/user.h"

#define ADDRESSES_MAX 16 /* of one name */

struct reader {
    struct addresses *out;
    struct diag *diag;
    int rc; /* the first failure */
};

int
addresses_fail(const struct conf_listen *l, int rc, const char *why,
               struct diag *d)
{
    diag_error(d, &l->at, "listen: %s", why);
    return rc;
}

static void
fail(struct reader *r, int rc)
{
    if (r->rc == 0)
        r->rc = rc;
}

/* ---- options -------------------------------------------------------------*/

static void
set_owner(struct reader *r, const struct conf_listen *l,
          struct sock_options *out)
{
    int rc = user_parse(l->owner.p, &out->owner, &out->group);

    out->sets_owner = rc == 0;
    if (rc == 0)
        return;
    diag_error(r->diag, &l->owner_at, "[listen %.*s] owner: no such %s: %s",
               (int)l->name.n, l->name.p, rc == -ESRCH ? "group" : "user",
               l->owner.p);
    fail(r, -EINVAL);
}

static struct sock_options
options_of(struct reader *r, const struct conf_listen *l)
{
    struct sock_options o = {
        .backlog = (int)l->backlog,
        .defer_accept_s = l->defer_accept ? 1 : 0,
        .nodelay = 1,
        .mode = l->mode == CONF_AUTO ? 0 : (uint32_t)l->mode,
    };

    if (l->owner.n)
        set_owner(r, l, &o);
    return o;
}

/* ---- addresses -----------------------------------------------------------*/

/* The addresses of l in a: how many, or -errno. */
static int
resolve(const struct conf_listen *l, struct sock_address a[ADDRESSES_MAX],
        char *why, size_t cap)
{
    int rc;

    if (!l->path.n)
        return sock_resolve(l->host.n ? l->host.p : NULL, (uint16_t)l->port, a,
                            ADDRESSES_MAX, why, cap);
    rc = sock_unix(l->path.p, &a[0]);
    if (rc == 0)
        return 1;
    snprintf(why, cap, "%s: the path is too long", l->path.p);
    return rc;
}

/* Who has w's address already, of this process; or NULL. */
static const struct wanted *
find_overlap(const struct addresses *all, const struct wanted *w)
{
    for (uint32_t i = 0; i < all->n; i++) {
        if (sock_overlap(&w->address, &all->v[i].address))
            return &all->v[i];
    }
    return NULL;
}

static void
fail_overlap(struct reader *r, const struct wanted *w,
             const struct wanted *other)
{
    const struct place *at = &other->listen->at;
    char ours[SOCK_TEXT_LEN], theirs[SOCK_TEXT_LEN], why[512];

    sock_text(&w->address, ours);
    sock_text(&other->address, theirs);
    snprintf(why, sizeof why, "%s: overlaps with %s at %s:%u", ours, theirs,
             at->file ? at->file : "?", at->line);
    fail(r, addresses_fail(w->listen, -EINVAL, why, r->diag));
}

static void
add(struct reader *r, const struct wanted *w)
{
    struct addresses *out = r->out;
    const struct wanted *other = find_overlap(out, w);

    if (other)
        fail_overlap(r, w, other);
    else if (out->n == ENV_MAX_LISTENERS)
        fail(r, addresses_fail(w->listen, -EMFILE,
                               "more than 64 listening addresses", r->diag));
    else
        out->v[out->n++] = *w;
}

static void
read_listen(struct reader *r, const struct conf_listen *l)
{
    struct wanted w = {.listen = l, .options = options_of(r, l)};
    struct sock_address a[ADDRESSES_MAX];
    char why[256];
    int n = resolve(l, a, why, sizeof why);

    if (n < 0)
        fail(r, addresses_fail(l, n, why, r->diag));
    for (int i = 0; i < n; i++) {
        w.address = a[i];
        add(r, &w);
    }
}

int
addresses_read(struct addresses *out, const struct conf *conf, struct diag *d)
{
    struct reader r = {.out = out, .diag = d};

    out->n = 0;
    for (size_t i = 0; i < conf->n_listens; i++)
        read_listen(&r, &conf->listens[i]);
    return r.rc;
}

void
addresses_check(const struct addresses *a, struct diag *d)
{
    char why[256];

    for (uint32_t i = 0; i < a->n; i++) {
        int rc = sock_check(&a->v[i].address, why, sizeof why);
        if (rc < 0)
            (void)addresses_fail(a->v[i].listen, rc, why, d);
    }
}
