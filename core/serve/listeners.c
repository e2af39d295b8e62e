/* SPDX-License-Identifier: BSD-2-Clause */
/* listeners.c - who accepts from which socket; see listeners.h. */
#include "serve/listeners.h"

#include "base/log.h"
#include "serve/certificates.h"
#include "serve/contexts.h"
#include "serve/process.h"

/* Of a server that was killed, and its successor: until the kernel has undone
 * the old one's io_uring its sockets seem to listen. */
#define PATIENCE_MS 1000

int
listeners_want(struct server *s, const struct conf *conf, struct diag *d)
{
    uint32_t each = s->fleet.per_worker ? s->settings.n_workers : 1;
    /* Only for the first generation: a reload does not hold up the control
     * thread. */
    uint32_t patience_ms = s->n_gens > 1 ? 0 : PATIENCE_MS;

    return sockets_want(&s->sockets, conf, &s->contexts, each, patience_ms, d);
}

void
listeners_revert(struct server *s)
{
    sockets_revert(&s->sockets);
}

static void
tell(struct server *s)
{
    struct listener_env env[ENV_MAX_LISTENERS];

    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++)
        env[i] = s->sockets.v[i].env;
    fleet_learn(&s->fleet, env);
}

/* What is new to see at those that are wanted. */
static void
tell_shown(const struct server *s)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        const struct socket_entry *e = &s->sockets.v[i];
        if (e->is_new || e->stays)
            certificates_log(e->shown, e->env.context,
                             e->stays ? e->before.env.context : NULL);
    }
}

void
listeners_start(struct server *s)
{
    tell(s);
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        struct socket_entry *e = &s->sockets.v[i];
        if (!e->is_new)
            continue;
        fleet_listen(&s->fleet, (uint8_t)i, e->fds);
        log_info("listening on %s", e->shown);
    }
    tell_shown(s);
    contexts_free(&s->contexts);
    sockets_settle(&s->sockets);
}

/* Nobody accepts from its sockets any more. */
static void
forget(struct server *s, uint32_t i)
{
    if (!s->sockets.v[i].is_new)
        log_info("no longer listening on %s", s->sockets.v[i].shown);
    sockets_forget(&s->sockets, i);
}

void
listeners_stop(struct server *s)
{
    int n = 0;

    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        struct socket_entry *e = &s->sockets.v[i];
        if (e->n_fds == 0 || e->is_wanted)
            continue;
        sockets_hide(&s->sockets, i);
        fleet_unlisten(&s->fleet, (uint8_t)i);
        forget(s, i);
        n++;
    }
    if (n > 0)
        tell(s);
}

void
listeners_hide(struct server *s)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++)
        sockets_hide(&s->sockets, i);
}

void
listeners_close(struct server *s)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        if (s->sockets.v[i].n_fds > 0)
            sockets_forget(&s->sockets, i);
    }
}

void
listeners_forget(struct server *s)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        if (s->sockets.v[i].n_fds > 0)
            forget(s, i);
    }
}

void
listeners_cede(struct server *s)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        if (s->sockets.v[i].n_fds > 0)
            fleet_unlisten(&s->fleet, (uint8_t)i);
    }
}
