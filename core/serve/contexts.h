/* SPDX-License-Identifier: BSD-2-Clause */
/* contexts.h - what the listeners of a configuration show of themselves.
 *
 *     conf, its bundle's papers --> contexts --> sockets.h, one an address
 *
 * Made with each generation, before an instance of it is opened, so that a
 * certificate that is not good stops a reload, and what served serves on.  The
 * texts of keys are looked at here and nowhere else.  What lasts longer than a
 * configuration - the keys of tickets, the certificate of tls.self_signed - is
 * the process's.  Called by generation.c. */
#ifndef SERVE_CONTEXTS_H
#define SERVE_CONTEXTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"
#include "tls/cert_self.h"

struct conf;
struct conf_listen;
struct context;
struct tickets;

/* Of the process. */
struct contexts_kept {
    struct tickets *tickets; /* NULL: no session is resumed */
    int has_self;            /* there is one: */
    struct cert_self_texts self;
};

struct contexts_row {
    struct context *context; /* NULL: it speaks no TLS */
    uint64_t rules; /* equal: the same certificates, and all else it says */
};

struct contexts {
    struct contexts_row *v; /* by conf->listens */
    size_t n;
};

/* Make those of conf, which has a bundle.  0; or below 0 with every reason in
 * d, and out is empty.  A certificate that ends soon is a warning in d.
 * [control] */
MUST_USE int contexts_make(struct contexts *out, const struct conf *conf,
                           struct contexts_kept *kept, struct diag *d);
/* The row of l, one of conf's listeners; zeros if none were made. [control] */
struct contexts_row contexts_find(const struct contexts *c,
                                  const struct conf *conf,
                                  const struct conf_listen *l);
void contexts_free(struct contexts *c);
/* Give back what is the process's. [control] */
void contexts_forget(struct contexts_kept *kept);

#endif
