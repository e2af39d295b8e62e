/* SPDX-License-Identifier: BSD-2-Clause */
/* filter.h - body steps: what members of a chain do to the pieces of an
 * answer's body on their way to the client.
 *
 *     piece -> body step of the innermost that asked -> ... -> outermost ->
 *     the answer is written (writer.h)
 *
 * A response step asks (filter_ask): from then on nobody knows how long the
 * body will be, unless all that have asked only look (filter_ask_to_look),
 * whose pieces are passed on here.  An answer that is decided as a whole is
 * written, too, then: by a task of the host's, so that body steps always run on
 * a stack of their own and may wait. */
#ifndef HTTP_FILTER_H
#define HTTP_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct req;

/* One that has asked, in the request's arena. */
struct filter {
    struct filter *next; /* further out */
    et_body_step fn;
    void *self;
    uint8_t member;
    uint8_t has_ended; /* it has passed on the end */
    uint8_t only_looks;
};

/* Of et.http/1. [worker] */
int32_t filter_ask(et_req *pub);
int32_t filter_ask_to_look(et_req *pub);
int32_t filter_emit(et_req *pub, const void *p, size_t n, uint32_t flags);

/* A piece is on its way through those of r: no other one may be.  So it stays
 * when one of them crashes in a part of a task.  [worker] */
int filter_is_busy(const struct req *r);
/* r's answer is decided.  If that is because one that has asked has crashed, or
 * there is no memory left, nobody filters it, and the fields that are set go
 * with them: they may speak of what is not done. [worker] */
void filter_drop_crashed(struct req *r);
/* All of those of r only look.  [worker] */
int filter_only_looks(const struct req *r);
/* n bytes of the body of r's answer go through all that have asked, and are
 * written.  0, or why not (ET_E*): a step's own reason, or the writer's.  On a
 * task's stack. [worker] */
MUST_USE int32_t filter_pass(struct req *r, const void *p, size_t n,
                             uint32_t flags);
/* There is a stack now for who filters r's answer, if it takes one. [worker] */
int filter_may_begin(const struct req *r);
/* r's answer is decided, with its response steps, and filters: it is to be
 * written from now on.  0: send its head, then chain_resume; or ET_ELIMIT:
 * there is no stack for it. [worker] */
MUST_USE int32_t filter_begin(struct req *r);

#endif
