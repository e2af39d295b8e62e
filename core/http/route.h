/* SPDX-License-Identifier: BSD-2-Clause */
/* route.h - a route of a generation: who serves it, under which limits.
 *
 * Built on the control thread, immutable from then on, shared by all workers;
 * each worker composes its own chain from it (gen.h).  The answers to paths
 * nobody serves are routes too (kind ROUTE_MISS): middleware runs for them. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/diag.h"

struct instance;
struct metering_set;

enum route_kind {
    ROUTE_SERVE, /* a handler of a plugin */
    ROUTE_MISS,  /* 404, 405, redirect by slash, OPTIONS: the host's handler */
};

/* Who is served first when there is too much to do. */
enum route_priority { /* in the order of enum conf_priority */
                      ROUTE_LOW,
                      ROUTE_NORMAL,
                      ROUTE_HIGH,
                      ROUTE_ALWAYS, /* the host's own answers */
                      ROUTE_PRIORITIES
};

struct route {
    uint32_t index; /* in its generation */
    enum route_kind kind;
    const char *name; /* "users"; "" for a miss */
    struct place at;
    struct instance **use; /* outermost first */
    uint32_t n_use;
    struct instance *handler; /* NULL: the host's own */
    et_step handle;           /* its handler step */
    const char *closed_by;    /* who may not run: 503, and neither that nor what
                                 would stand inside of it does */
    const char *closed_why;   /* it is left out; NULL: its build is in
                                 quarantine */
    uint8_t body;             /* ET_B_*, ET_F_TASK of the handler */
    uint8_t priority;         /* enum route_priority */
    uint8_t slash_redirect;   /* a miss by the final slash gets 308 */
    /* Limits of this route; -1: the server's. */
    int64_t max_body, body_timeout_ms, write_timeout_ms, wait_timeout_ms;
    /* What each of use and the handler counts, [n_use + 1]; NULL: none does. */
    struct metering_set **meters;
    /* For `etude routes`. */
    const char *methods, *pattern, *doc;
    et_list hosts; /* in the configuration's memory; none: any */
};

#endif
