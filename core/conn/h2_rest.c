/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_rest.c - a session that nothing happens on gives back what it can; see
 * h2.h, h2_heap.h.  h2_own_session ends that. */
#include "conn/conn.h"
#include "conn/h2.h"
#include "conn/h2_answer.h"
#include "conn/h2_own.h"

/* Its streams have nothing to say that they could not. */
static int
are_waiting(const struct h2 *h)
{
    for (const struct list *l = h->streams.next; l != &h->streams;
         l = l->next) {
        const struct h2_stream *t = CONTAINER_OF(l, struct h2_stream, all);
        if ((t->x.phase != CONN_WAIT && t->x.phase != CONN_STREAM) ||
            h2_answer_waits(t))
            return 0;
    }
    return 1;
}

void
h2_rest(struct conn *c)
{
    struct h2 *h = c->h2;

    if (c->phase != CONN_H2 || c->is_eof || c->out || h->n_rest > 0 ||
        h->leaving != H2_STAYS || h->is_busy || h->heading || h->heap.folded ||
        !list_is_empty(&h->due) || !are_waiting(h) ||
        nghttp2_session_want_write(h->session))
        return;
    h2_heap_fold(&h->heap);
}
