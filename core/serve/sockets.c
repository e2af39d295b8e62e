/* SPDX-License-Identifier: BSD-2-Clause */
/* sockets.c - the listening sockets of the process; see sockets.h. */
#include "serve/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "os/limit.h"
#include "serve/addresses.h"
#include "serve/channel.h"
#include "serve/contexts.h"
#include "tls/context.h"

struct opener {
    struct sockets *s;
    const struct conf *conf;
    const struct contexts *contexts;
    const struct wanted *wanted;
    uint32_t n_fds;
    uint64_t end_ns; /* until then, what is in use is tried again */
    struct diag *diag;
    int rc; /* the first failure */
};

static void
fail(struct opener *o, int rc, const char *why)
{
    (void)addresses_fail(o->wanted->listen, rc, why, o->diag);
    if (o->rc == 0)
        o->rc = rc;
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
free_entry(struct socket_entry *e)
{
    struct context *shown = e->env.context;

    free(e->fds);
    free(e->ids);
    memset(e, 0, sizeof *e);
    e->env.context = shown;
}

/* Nobody new finds e's sockets; who is queued can still be accepted. */
static void
hide(struct sockets *s, struct socket_entry *e)
{
    sock_unlink(&e->wanted, e->file);
    e->file = (struct sockfile){0, 0};
    for (uint32_t i = 0; i < e->n_fds; i++) {
        if (e->ids[i])
            channel_unlisten(s->channel, e->ids[i]);
        e->ids[i] = 0;
    }
}

static void
close_entry(struct sockets *s, struct socket_entry *e)
{
    hide(s, e);
    for (uint32_t i = 0; i < e->n_fds; i++)
        close(e->fds[i]);
    free_entry(e);
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

/* Let a socket at this address stand beside those that overlap with it and are
 * on their way out (127.0.0.1:80, for 0.0.0.0:80), or no longer: how many. */
static uint32_t
share(struct sockets *s, const struct sock_address *to, int lets)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        const struct socket_entry *e = &s->v[i];
        struct sock_address bound;
        if (e->n_fds == 0 || e->is_wanted || e->is_new ||
            sock_name(e->fds[0], &bound) < 0 || !sock_overlap(&bound, to))
            continue;
        for (uint32_t k = 0; k < e->n_fds; k++)
            n += sock_share(e->fds[k], lets) == 0;
    }
    return n;
}

/* The next of e's sockets: ours, or one of the supervisor's. */
static int
listen_at(struct sockets *s, struct socket_entry *e,
          const struct sock_address *to, const struct sock_options *options,
          char *why, size_t cap)
{
    if (!s->channel)
        return sock_listen(to, options, why, cap);
    return channel_listen(s->channel, to, options, e->n_fds, &e->ids[e->n_fds],
                          why, cap);
}

static int
listen_beside(struct sockets *s, struct socket_entry *e,
              const struct sock_address *to, struct sock_options *options,
              char *why, size_t cap)
{
    int fd;

    if (options->reuseport || share(s, to, 1) == 0)
        return listen_at(s, e, to, options, why, cap);
    options->shares = 1;
    fd = listen_at(s, e, to, options, why, cap);
    (void)share(s, to, 0);
    return fd;
}

/* One more socket of e: a Unix socket's path can be bound only once, so its
 * workers share one queue. */
static int
open_one(struct opener *o, struct socket_entry *e, char *why, size_t cap)
{
    struct sock_address to = e->wanted;
    struct sock_options options = o->wanted->options;
    uint64_t now_ns = clock_mono_ns();
    int fd;

    if (e->n_fds > 0 && to.addr.ss_family == AF_UNIX) {
        fd = fcntl(e->fds[0], F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            limit_explain(-errno, why, cap);
        return fd < 0 ? -errno : fd;
    }
    take_port(e, &to);
    options.reuseport = o->n_fds > 1;
    if (o->end_ns > now_ns)
        options.patience_ms = (uint32_t)((o->end_ns - now_ns) / 1000000u);
    return listen_beside(o->s, e, &to, &options, why, cap);
}

static int
open_entry(struct opener *o, struct socket_entry *e)
{
    char why[256];

    e->fds = calloc(o->n_fds, sizeof *e->fds);
    e->ids = calloc(o->n_fds, sizeof *e->ids);
    if (!e->fds || !e->ids) {
        fail(o, -ENOMEM, "out of memory");
        free_entry(e);
        return -1;
    }
    e->wanted = o->wanted->address;
    while (e->n_fds < o->n_fds) {
        int fd = open_one(o, e, why, sizeof why);
        if (fd < 0) {
            fail(o, fd, why);
            close_entry(o->s, e);
            return -1;
        }
        e->fds[e->n_fds++] = fd;
    }
    e->is_new = 1;
    if (!o->s->channel)
        e->file = sock_file(&e->wanted);
    describe(e);
    return 0;
}

/* What connections know of a listener, but for what it shows. */
static struct listener_env
env_of(const struct wanted *w)
{
    const struct conf_listen *l = w->listen;
    struct listener_env env = {
        .proxy = (uint8_t)l->proxy_protocol,
        .h2c = (uint8_t)l->h2c,
        .is_unix = w->address.addr.ss_family == AF_UNIX,
        .hsts_s = (uint32_t)(l->tls_hsts / 1000),
    };

    if (l->redirect == CONF_REDIRECT_HTTPS)
        env.redirect_port = (uint16_t)l->redirect_port;
    return env;
}

/* Whether a socket that is there is meant to be as it is. */
static int
is_as_wanted(const struct socket_entry *e, const struct wanted *w,
             uint64_t rules)
{
    const struct sock_options *a = &e->options, *b = &w->options;
    const struct listener_env env = env_of(w);

    return e->env.proxy == env.proxy && e->env.h2c == env.h2c &&
           e->env.hsts_s == env.hsts_s &&
           e->env.redirect_port == env.redirect_port && e->rules == rules &&
           a->backlog == b->backlog && a->defer_accept_s == b->defer_accept_s &&
           a->mode == b->mode && a->sets_owner == b->sets_owner &&
           a->owner == b->owner && a->group == b->group;
}

static void
want(struct opener *o)
{
    const struct wanted *w = o->wanted;
    struct socket_entry *e = find(o->s, &w->address);
    const struct contexts_row row =
        contexts_find(o->contexts, o->conf, w->listen);

    if (!e) {
        e = find_free(o->s);
        if (!e) {
            fail(o, -EMFILE,
                 "more than 64 listening addresses, old and new "
                 "together");
            return;
        }
        if (open_entry(o, e) < 0)
            return;
        e->before.env.context = e->env.context; /* of who had the number */
    } else {
        e->stays = 1;
        e->is_changed = !is_as_wanted(e, w, row.rules);
        e->before.env = e->env;
        e->before.rules = e->rules;
        e->before.options = e->options;
    }
    e->is_wanted = 1;
    e->options = w->options;
    e->env = env_of(w);
    e->env.context = row.context ? context_hold(row.context) : NULL;
    e->rules = row.rules;
}

int
sockets_want(struct sockets *s, const struct conf *conf,
             const struct contexts *contexts, uint32_t n_fds,
             uint32_t patience_ms, struct diag *d)
{
    struct opener o = {
        .s = s, .conf = conf, .contexts = contexts, .n_fds = n_fds, .diag = d};
    struct addresses all;

    o.rc = addresses_read(&all, conf, d);
    if (o.rc == 0) /* else the rest is opened only to hear of all faults */
        o.end_ns = clock_mono_ns() + (uint64_t)patience_ms * 1000000u;
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++)
        s->v[i].is_wanted = 0;
    for (uint32_t i = 0; i < all.n; i++) {
        o.wanted = &all.v[i];
        want(&o);
    }
    if (o.rc < 0)
        sockets_revert(s);
    return o.rc;
}

void
sockets_changes(const struct sockets *s, struct sockets_changes *out)
{
    *out = (struct sockets_changes){0, 0, 0};
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        const struct socket_entry *e = &s->v[i];
        out->added += e->n_fds > 0 && e->is_new;
        out->removed += e->n_fds > 0 && !e->is_wanted;
        out->changed += e->is_wanted && !e->is_new && e->is_changed;
    }
}

void
sockets_foresee(struct sockets *s, const struct conf *conf,
                struct sockets_changes *out)
{
    struct addresses all;
    struct diag d;

    diag_init(&d);
    (void)!addresses_read(&all, conf, &d);
    diag_fini(&d);
    *out = (struct sockets_changes){0, 0, 0};
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++)
        s->v[i].is_wanted = 0;
    for (uint32_t i = 0; i < all.n; i++) {
        struct socket_entry *e = find(s, &all.v[i].address);
        out->added += !e;
        out->changed += e && !is_as_wanted(e, &all.v[i], e->rules);
        if (e)
            e->is_wanted = 1;
    }
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++)
        out->removed += s->v[i].n_fds > 0 && !s->v[i].is_wanted;
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
        context_drop(e->before.env.context);
        e->before.env.context = NULL;
        e->is_new = e->is_changed = e->stays = 0;
    }
}

void
sockets_revert(struct sockets *s)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        struct socket_entry *e = &s->v[i];
        if (e->is_new) {
            context_drop(e->env.context);
            e->env.context = e->before.env.context;
            close_entry(s, e);
        } else if (e->stays) {
            context_drop(e->env.context);
            e->env = e->before.env;
            e->rules = e->before.rules;
            e->options = e->before.options;
            e->before.env.context = NULL;
            e->is_changed = e->stays = 0;
        }
    }
}

/* While the socket is open no other one can have the file's number. */
void
sockets_hide(struct sockets *s, uint32_t i)
{
    hide(s, &s->v[i]);
}

void
sockets_forget(struct sockets *s, uint32_t i)
{
    struct socket_entry *e = &s->v[i];

    free_entry(e);
    e->env.is_gone = 1;
}

void
sockets_drop_contexts(struct sockets *s)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        context_drop(s->v[i].env.context);
        s->v[i].env.context = NULL;
    }
}

uint32_t
sockets_id(const struct sockets *s, uint32_t i)
{
    const struct socket_entry *e = &s->v[i];

    return e->n_fds > 0 ? e->ids[0] : 0;
}

int
sockets_find(const struct sockets *s, uint32_t id)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS && id != 0; i++) {
        for (uint32_t k = 0; k < s->v[i].n_fds; k++) {
            if (s->v[i].ids[k] == id)
                return (int)i;
        }
    }
    return -1;
}
