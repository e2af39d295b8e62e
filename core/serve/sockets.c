/* SPDX-License-Identifier: BSD-2-Clause */
/* sockets.c - the listening sockets of the process; see sockets.h. */
#include "serve/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/conf.h"
#include "os/limit.h"

#define ADDRESSES_MAX 16 /* of one name */

struct opener {
    struct sockets *s;
    const struct conf_listen *listen;
    struct sock_options options;
    uint32_t n_fds;
    struct diag *diag;
    int rc; /* the first failure */
};

static void
fail(struct opener *o, int rc, const char *why)
{
    diag_error(o->diag, &o->listen->at, "listen: %s", why);
    if (o->rc == 0)
        o->rc = rc;
}

/* ---- options -------------------------------------------------------------*/

/* "user" or "user:group", names or numbers. */
static int
parse_owner(const char *text, struct sock_options *out)
{
    char user[128], *group;
    const struct passwd *pw;
    const struct group *gr;

    snprintf(user, sizeof user, "%s", text);
    group = strchr(user, ':');
    if (group)
        *group++ = '\0';
    pw = getpwnam(user);
    if (!pw)
        return -1;
    out->owner = pw->pw_uid;
    out->group = pw->pw_gid;
    if (group) {
        gr = getgrnam(group);
        if (!gr)
            return -1;
        out->group = gr->gr_gid;
    }
    out->sets_owner = 1;
    return 0;
}

static void
set_options(struct opener *o)
{
    const struct conf_listen *l = o->listen;

    o->options = (struct sock_options){
        .backlog = (int)l->backlog,
        .defer_accept_s = l->defer_accept ? 1 : 0,
        .reuseport = o->n_fds > 1,
        .nodelay = 1,
        .mode = l->mode == CONF_AUTO ? 0 : (uint32_t)l->mode,
    };
    if (l->owner.n && parse_owner(l->owner.p, &o->options) < 0)
        fail(o, -EINVAL, "no such user or group in owner");
}

/* ---- entries -------------------------------------------------------------*/

static struct socket_entry *
find(struct sockets *s, const struct sock_address *a)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        struct socket_entry *e = &s->v[i];
        if (e->n_fds && !e->is_wanted && e->wanted.len == a->len &&
            memcmp(&e->wanted.addr, &a->addr, a->len) == 0)
            return e;
    }
    return NULL;
}

static struct socket_entry *
find_free(struct sockets *s)
{
    for (uint32_t k = 0; k < ENV_MAX_LISTENERS; k++) {
        uint32_t i = (s->next + k) % ENV_MAX_LISTENERS;
        if (s->v[i].n_fds == 0) {
            s->next = i + 1;
            return &s->v[i];
        }
    }
    return NULL;
}

static void
close_entry(struct socket_entry *e)
{
    for (uint32_t i = 0; i < e->n_fds; i++)
        close(e->fds[i]);
    free(e->fds);
    memset(e, 0, sizeof *e);
}

static void
describe(struct socket_entry *e)
{
    struct sock_address bound;

    sock_text(sock_name(e->fds[0], &bound) < 0 ? &e->wanted : &bound, e->shown);
}

/* With port 0 the workers' other sockets take the port the first one got. */
static void
take_port(const struct socket_entry *e, struct sock_address *a)
{
    struct sock_address bound;

    if (e->n_fds > 0 && sock_name(e->fds[0], &bound) == 0)
        *a = bound;
}

/* One more socket of e: a Unix socket's path can be bound only once, so its
 * workers share one queue. */
static int
open_one(struct opener *o, const struct socket_entry *e,
         const struct sock_address *a, char *why, size_t cap)
{
    struct sock_address to = *a;
    int fd;

    if (e->n_fds > 0 && a->addr.ss_family == AF_UNIX) {
        fd = fcntl(e->fds[0], F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            limit_explain(-errno, why, cap);
        return fd < 0 ? -errno : fd;
    }
    take_port(e, &to);
    return sock_listen(&to, &o->options, why, cap);
}

static int
open_entry(struct opener *o, struct socket_entry *e,
           const struct sock_address *a)
{
    char why[256];

    e->fds = calloc(o->n_fds, sizeof *e->fds);
    if (!e->fds) {
        fail(o, -ENOMEM, "out of memory");
        return -1;
    }
    e->wanted = *a;
    while (e->n_fds < o->n_fds) {
        int fd = open_one(o, e, a, why, sizeof why);
        if (fd < 0) {
            fail(o, fd, why);
            close_entry(e);
            return -1;
        }
        e->fds[e->n_fds++] = fd;
    }
    e->is_new = 1;
    describe(e);
    return 0;
}

static void
want(struct opener *o, const struct sock_address *a)
{
    struct socket_entry *e = find(o->s, a);

    if (!e) {
        e = find_free(o->s);
        if (!e) {
            fail(o, -EMFILE, "more than 64 listening addresses");
            return;
        }
        if (open_entry(o, e, a) < 0)
            return;
    }
    e->is_wanted = 1;
    e->options = o->options;
    e->env = (struct listener_env){
        .proxy = (uint8_t)o->listen->proxy_protocol,
        .is_unix = a->addr.ss_family == AF_UNIX,
    };
}

static void
want_listen(struct opener *o)
{
    const struct conf_listen *l = o->listen;
    struct sock_address a[ADDRESSES_MAX];
    char why[256];
    int n = 1;

    set_options(o);
    if (l->path.n) {
        n = sock_unix(l->path.p, &a[0]);
        if (n < 0)
            snprintf(why, sizeof why, "%s: the path is too long", l->path.p);
        else
            n = 1;
    } else {
        n = sock_resolve(l->host.n ? l->host.p : NULL, (uint16_t)l->port, a,
                         ADDRESSES_MAX, why, sizeof why);
    }
    if (n < 0) {
        fail(o, n, why);
        return;
    }
    for (int i = 0; i < n; i++)
        want(o, &a[i]);
}

int
sockets_want(struct sockets *s, const struct conf *conf, uint32_t n_fds,
             struct diag *d)
{
    struct opener o = {.s = s, .n_fds = n_fds, .diag = d};

    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++)
        s->v[i].is_wanted = 0;
    for (size_t i = 0; i < conf->n_listens; i++) {
        o.listen = &conf->listens[i];
        want_listen(&o);
    }
    if (o.rc < 0)
        sockets_revert(s);
    return o.rc;
}

static void
adjust(const struct socket_entry *e, int fd)
{
    int rc = sock_adjust(fd, &e->wanted, &e->options);

    if (rc < 0)
        log_warn("%s: its new options: %s", e->shown, strerror(-rc));
}

void
sockets_settle(struct sockets *s)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        struct socket_entry *e = &s->v[i];
        for (uint32_t k = 0; k < e->n_fds && e->is_wanted && !e->is_new; k++)
            adjust(e, e->fds[k]);
        e->is_new = 0;
    }
}

void
sockets_revert(struct sockets *s)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        struct socket_entry *e = &s->v[i];
        if (e->is_new) {
            struct sock_address a = e->wanted;
            close_entry(e);
            sock_unlink(&a);
        }
    }
}

void
sockets_forget(struct sockets *s, uint32_t i)
{
    struct socket_entry *e = &s->v[i];

    sock_unlink(&e->wanted);
    free(e->fds);
    *e = (struct socket_entry){.env.is_gone = 1};
}
