/* SPDX-License-Identifier: BSD-2-Clause */
/* fetch.h - one request to another server, and its reply: the machine.
 *
 *     fetch_begin
 *        |  idle connection there? ------------------------------+
 *     NAMING -> CONNECTING -(each address in turn)-> SENDING <---+
 *                                                     |   ^ fetch_send
 *                                                     |   STREAMING
 *                                                     v   | fetch_end
 *          OVER <--all of its body is read-- BODY <- HEAD <
 *
 *     any of them -> FAILED, for good
 *
 * It is driven by the loop as far as it comes by itself, up to STREAMING, BODY
 * or the end; its body comes as its owner reads it, so that nothing is received
 * that nobody wants.  What a call cannot do at once is FETCH_MORE, and
 * on_change tells when to call again.  Who that is - a task that waits, or a
 * token - is not known here (fetching.h).
 *
 * Decided, where RFC 9112 leaves a choice:
 *   a reply before all is sent     the rest is not sent, the connection not
 *                                  used again (9.3);
 *   an idle connection that ends   the request goes out once more on a new one,
 *                                  if nothing of a reply has come, and nothing
 *                                  of it was sent or it may be repeated (RFC
 *                                  9110 9.2.2);
 *   a body that comes in pieces    goes over a new connection: it cannot be
 *                                  sent again. */
#ifndef HTTP_FETCH_H
#define HTTP_FETCH_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/slab.h"
#include "http/incoming.h"
#include "http/names.h"
#include "http/wires.h"

struct blocks;
struct fetch;
struct host_worker;
struct io;
struct req;

#define FETCH_MORE INCOMING_MORE /* none of ET_E* */

#define FETCH_CONNECT_MS 10000u
#define FETCH_TIMEOUT_MS 30000u

struct fetch_options {
    uint32_t max, max_idle; /* at once; connections that are kept */
    uint64_t idle_ms;
};

/* A worker's. */
struct fetches {
    struct slab slab;
    struct wires wires;
    struct names names;
    struct blocks *blocks;
    struct host_worker *worker;
};

/* 0 or ERR_NOMEM. [worker] */
MUST_USE int fetch_pool_init(struct fetches *s, const struct fetch_options *o,
                             struct io *io, struct blocks *blocks,
                             struct host_worker *worker);
/* All connections are closed, and nothing is called any more. [worker] */
void fetch_pool_close(struct fetches *s);
/* No job runs any more, and the io is closed. [control] */
void fetch_pool_fini(struct fetches *s);

/* Whose it is. */
struct fetch_owner {
    /* Something that was FETCH_MORE is worth another try, or it has failed.
     * From the loop. */
    void (*on_change)(struct fetch_owner *owner);
    struct fetch *fetch; /* NULL: it is closed */
    uint8_t is_task;     /* it is closed with the task */
};

/* Whether ask has all that one of contract 1.0 has; what a later one has more
 * is looked for with ET_HAS. */
static inline int
fetch_is_ask(const et_fetch_ask *ask)
{
    return ET_HAS(ask, et_fetch_ask, max_body);
}

/* Ask: 0, and owner->fetch is it, until it is closed: by fetch_close, at the
 * latest with r.  Or ET_E*: it is not begun.  ask->body stays until there is a
 * head; the rest is copied. [worker] */
MUST_USE int32_t fetch_begin(struct req *r, const et_fetch_ask *ask,
                             struct fetch_owner *owner);
/* It is closed, wherever it is. [worker] */
void fetch_close(struct fetch *f);
/* All of r, or those of its task. [worker] */
void fetch_close_of(struct req *r, int of_task);
/* It has failed because of rc: nothing of it is used any more. [worker] */
void fetch_fail(struct fetch *f, int32_t rc);

/* FETCH_MORE: it is on its way, and on_change will be called; 0: it waits for
 * its owner, or is over; else why it has failed. [worker] */
int32_t fetch_state(struct fetch *f);
/* Whether there is a reply: the head of it. [worker] */
int fetch_has_head(const struct fetch *f);
/* Whether all of the reply's body is read. [worker] */
int fetch_is_over(const struct fetch *f);
/* The reply's head; valid with fetch_has_head, in the memory of r. [worker] */
void fetch_show(const struct fetch *f, et_reply *out);

/* With fetch_state 0.  p stays until that is 0 again, or the fetch has failed.
 * 0; ET_EPHASE: there is a reply, or no body is wanted; ET_EINVAL: more than
 * was announced, or (fetch_end) less. [worker] */
MUST_USE int32_t fetch_send(struct fetch *f, const void *p, size_t n);
MUST_USE int32_t fetch_end(struct fetch *f);
/* With fetch_has_head: how many bytes, at most n, > 0; 0: that was all;
 * FETCH_MORE; or why it has failed. [worker] */
MUST_USE int64_t fetch_read(struct fetch *f, void *p, size_t n);

#endif
