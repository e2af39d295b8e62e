/* SPDX-License-Identifier: BSD-2-Clause */
/* handover.c - see handover.h. */
#include "serve/handover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ctl/handed.h"
#include "serve/process.h"
#include "work/parcel.h"

/* Of one source, a turn. */
#define BATCH 64

_Static_assert(HANDED_ADDRESS == sizeof((struct addr *)0)->ip, "all of it");

/* ---- life ----------------------------------------------------------------*/

void
handover_init(struct handover *h)
{
    *h = (struct handover){.heir = -1};
    h->last = &h->first;
}

static void
forget_heir(struct handover *h)
{
    if (h->heir >= 0)
        close(h->heir);
    h->heir = -1;
    h->is_stuck = 0;
}

static struct parcel *
take_first(struct handover *h)
{
    struct parcel *p = h->first;

    h->first = p->next;
    if (!h->first)
        h->last = &h->first;
    return p;
}

void
handover_fini(struct handover *h)
{
    while (h->first)
        parcel_drop(take_first(h));
    forget_heir(h);
    while (h->n_sources > 0)
        close(h->sources[--h->n_sources]);
}

void
handover_order(struct handover *h, int fd)
{
    forget_heir(h);
    h->heir = fd;
    h->is_ordered = 1;
}

void
handover_add(struct handover *h, int fd)
{
    if (h->n_sources < HANDOVER_SOURCES && fd >= 0) {
        h->sources[h->n_sources++] = fd;
        return;
    }
    log_error("connections of a process that leaves cannot be taken");
    if (fd >= 0)
        close(fd);
}

/* ---- they come -----------------------------------------------------------*/

static struct handed
read_message(const struct server *s, const struct handed_message *m)
{
    int listener = sockets_find(&s->sockets, m->socket);
    struct handed h = {
        .listener = listener < 0 ? 0 : (uint8_t)listener,
        .is_orphan = m->is_orphan || listener < 0,
        .awaits_proxy = m->awaits_proxy,
        .n_requests = m->n_requests,
        .since_ms = m->since_ms,
        .peer = {.port = m->peer_port, .kind = m->peer_kind},
    };

    memcpy(h.peer.ip, m->peer_ip, sizeof h.peer.ip);
    return h;
}

/* 1; 0: there is none now; < 0: nor will be. */
static int
receive(struct server *s, int source)
{
    struct handed_message m;
    struct handed h;
    struct parcel *p;
    int fd, rc = handed_recv(source, &m, &fd);

    if (rc <= 0)
        return rc;
    if (fd < 0) {
        log_error("a connection is lost on its way here: %s",
                  strerror(fd == -EMFILE ? EMFILE : EPROTO));
        return 1;
    }
    h = read_message(s, &m);
    p = parcel_new(fd, &h);
    if (p)
        acceptor_take(&s->fleet.acceptor, p);
    else
        log_error("a connection is lost on its way here: out of memory");
    return 1;
}

static void
receive_all(struct server *s)
{
    struct handover *h = &s->handover;

    for (uint32_t i = 0; i < h->n_sources;) {
        int rc = 1;
        for (int n = 0; n < BATCH && rc > 0; n++)
            rc = receive(s, h->sources[i]);
        if (rc >= 0) {
            i++;
            continue;
        }
        close(h->sources[i]);
        h->sources[i] = h->sources[--h->n_sources];
    }
}

/* The workers are full: whoever hands over has to wait. */
static int
is_full(const struct server *s)
{
    return atomic_load_explicit(&s->fleet.acceptor.waits, memory_order_relaxed);
}

/* ---- they go -------------------------------------------------------------*/

void
handover_post(void *server, struct mail *m)
{
    struct handover *h = &((struct server *)server)->handover;
    struct parcel *p = CONTAINER_OF(m, struct parcel, mail);

    p->next = NULL;
    *h->last = p;
    h->last = &p->next;
}

static struct handed_message
write_message(const struct server *s, const struct handed *h)
{
    struct handed_message m = {
        .socket = sockets_id(&s->sockets, h->listener),
        .since_ms = h->since_ms,
        .n_requests = h->n_requests,
        .peer_port = h->peer.port,
        .peer_kind = h->peer.kind,
        .awaits_proxy = h->awaits_proxy,
        .is_orphan = h->is_orphan,
    };

    memcpy(m.peer_ip, h->peer.ip, sizeof m.peer_ip);
    return m;
}

static void
send_all(struct server *s)
{
    struct handover *h = &s->handover;
    int rc = 0;

    while (h->first && h->heir >= 0 && rc == 0) {
        struct handed_message m = write_message(s, &h->first->handed);
        rc = handed_send(h->heir, &m, h->first->fd);
        if (rc == 0)
            parcel_drop(take_first(h)); /* our copy of its descriptor */
    }
    h->is_stuck = rc == -EAGAIN || rc == -ETOOMANYREFS || rc == -ENOBUFS;
    if (rc == 0 || h->is_stuck)
        return;
    log_warn("who takes our connections is gone: %s", strerror(-rc));
    forget_heir(h); /* the supervisor will name another one */
}

/* ---- a turn --------------------------------------------------------------*/

void
handover_poll(const struct server *s, struct pollfd *p)
{
    const struct handover *h = &s->handover;

    for (uint32_t i = 0; i < HANDOVER_SOURCES; i++)
        p[i] = (struct pollfd){
            .fd = i < h->n_sources && !is_full(s) ? h->sources[i] : -1,
            .events = POLLIN};
    p[HANDOVER_SOURCES] =
        (struct pollfd){.fd = h->is_stuck ? h->heir : -1, .events = POLLOUT};
}

/* Too many descriptors on their way, and room in the workers: nothing says when
 * that is over. */
int
handover_timeout(const struct server *s, int timeout_ms)
{
    const struct handover *h = &s->handover;

    if (!h->is_stuck && !(h->n_sources > 0 && is_full(s)))
        return timeout_ms;
    return clock_sooner(timeout_ms, HANDOVER_RETRY_MS);
}

void
handover_turn(struct server *s)
{
    if (!is_full(s))
        receive_all(s);
    send_all(s);
}
