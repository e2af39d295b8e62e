/* SPDX-License-Identifier: BSD-2-Clause */
/* req.h - one request from the first byte of its head to its log step.
 *
 * The public part (et_req) comes first, so a plugin's pointer is ours.  A
 * request object is taken from its worker's slab when the first byte arrives
 * and given back when the response is over; the rest of its slot is the first
 * block of its arena.  Nothing in it points into a generation before the head
 * is complete (req_pin); from then on it never changes generation.
 *
 *     [ struct req | arena's first block ....................... ]
 */
#ifndef HTTP_REQ_H
#define HTTP_REQ_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "http/chain.h"
#include "http/host.h"
#include "http/pause.h"
#include "http/resp.h"
#include "proto/addr.h"
#include "proto/http1.h"

struct blocks;
struct body;
struct clock;
struct gen_worker;
struct route;
struct session;
struct upgrade;

#define REQ_MAGIC 0x7e9u
#define REQ_SLOT_BYTES 8192u
#define REQ_ARENA_MAX_BYTES (64u << 20)

/* Where a request came from and its answer goes: what a protocol offers. HTTP/1
 * implements it for a connection, HTTP/2 for a stream, so http never includes
 * conn. */
struct sink {
    /* The other end of the socket; 0 or -errno. [worker] */
    int (*peer)(struct req *r, struct addr *out);
    /* Up to n (> 0) bytes of its body, which no step has had collected, to p:
     * how many; 0: that was all; -EAGAIN: none now, task_body_came is called
     * when there are; -ENOTCONN: nobody sends any; or an ERR_*, and the
     * connection does not go on. [worker] */
    int64_t (*read)(struct req *r, char *p, size_t n);
    /* Take up to n bytes for the body of its answer, which is written piece by
     * piece, from p: how many; -EAGAIN: none now, task_room_came is called when
     * there is room; -ENOTCONN: nobody takes them; -EINVAL: more than was
     * promised.  n == 0: 0, and all of what was taken is with the kernel; else
     * -EAGAIN. [worker] */
    int64_t (*write)(struct req *r, const char *p, size_t n);
    /* r waits no more: chain_resume goes on with it.  From the loop, never from
     * within a call of r's. [worker] */
    void (*wake)(struct req *r);
};

struct req {
    et_req pub; /* first: what plugins hold */
    uint32_t magic;
    uint8_t entered;   /* request steps entered so far: the next one's index */
    uint8_t waiting;   /* ... and it waits for the body in front of that one */
    uint8_t member;    /* of the step that runs: whom to name */
    uint8_t is_spoilt; /* memory ran out in a step: the answer is 500 */
    uint8_t has_pause; /* a step has begun to wait: pause means something */
    uint8_t has_said;  /* the step that runs has logged why it fails */
    uint8_t miss;      /* enum dispatch_miss, if the route is a ROUTE_MISS */
    uint8_t phase;     /* enum chain_phase */
    uint8_t crashed;   /* 1 + the member whose step was left; 0: none */
    uint8_t has_panicked; /* and it wanted that */
    uint8_t has_tail;     /* the last of values is its route's tail */
    uint8_t is_repeat;    /* nobody waits for its answer (conn/repeat.h) */
    uint8_t first;        /* of its chain's members that take part */
    const struct chain *chain;
    const struct route *route;
    struct gen_worker *gen; /* pinned generation, this worker's part */
    void **mine;            /* one pointer a member of the chain */
    const struct sink *sink;
    void *sink_ctx;
    /* Of TLS (tls/session.h), while r's connection has it; NULL: it is plain,
     * or r is not of a connection any more. */
    const struct session *session;
    const struct clock *clock;
    const et_str *names, *values; /* of the route's parameters */
    uint32_t n_params;
    uint32_t allow; /* 405: methods the path has (bits of ET_M_*) */
    uint32_t n_fields;
    const char *base; /* what the fields' offsets count from */
    struct http1_field *fields;
    et_str body;        /* p == NULL: not collected */
    int64_t body_bytes; /* decoded length; -1 while unknown */
    et_str trailers;    /* lines behind the body, each with its CRLF */
    et_str peer_text;   /* effective peer, once asked for */
    struct http1 head;
    struct resp resp;
    struct pause pause;
    struct body *stray_body; /* of one astray: conn/exchange.h */
    struct fetch *fetches;   /* its requests to others that are not over */
    const struct upgrade *upgrade; /* that a step has accepted, or NULL */
    struct arena arena;
};

/* Make a slot of REQ_SLOT_BYTES a fresh request. [worker] */
void req_init(struct req *r, struct blocks *blocks, et_worker *worker,
              const struct clock *clock);
/* Release body, arena blocks; the slot may be given back. [worker] */
void req_fini(struct req *r);
/* Room for max fields of the head: r->fields; 0 or ERR_NOMEM. [worker] */
MUST_USE int req_reserve_fields(struct req *r, uint32_t max);

/* The head at `head` is complete (r->head says how long it is): copy it into
 * the arena and fill the public part but path, query, host and scheme.  0 or
 * ERR_NOMEM. [worker] */
MUST_USE int req_adopt_head(struct req *r, const char *head);

/* The nth of those behind the body, which has been read to its end. */
et_str req_trailer(const struct req *r, et_str name, uint32_t nth);
/* The nth field called name, compared without case (RFC 9110 5.1). */
et_str req_field(const struct req *r, et_str name, uint32_t nth);
/* Decide an error answer of the host's own, dressed by Accept. [worker] */
void req_decide_error(struct req *r, uint32_t status);
/* The same with a text of the caller's (borrowed until the answer is sent); a
 * newline at its end is not part of it. */
void req_decide_error_text(struct req *r, uint32_t status, et_str text);

static inline struct req *
req_of(const et_req *pub)
{
    struct req *r = (struct req *)(uintptr_t)pub;

    CHECK(r->magic == REQ_MAGIC);
    return r;
}

/* Who runs it. [worker] */
static inline struct host_worker *
req_worker(const struct req *r)
{
    return host_worker_of(r->pub.worker);
}

#endif
