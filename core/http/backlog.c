/* SPDX-License-Identifier: BSD-2-Clause */
/* backlog.c - see backlog.h. */
#include "http/backlog.h"

#include "base/err.h"
#include "http/message.h"

_Static_assert(sizeof(struct backlog_chunk) == 64, "a chunk is a cache line");

/* Room for one more at its end. */
static int
make_room(struct backlog *b, struct slab *chunks)
{
    struct backlog_chunk *c;

    if (b->n > 0 && b->end < BACKLOG_CHUNK)
        return 0;
    c = slab_take(chunks);
    if (!c)
        return ERR_NOMEM;
    c->next = NULL;
    if (b->n > 0) {
        b->last->next = c;
    } else {
        b->first = c;
        b->begin = 0;
    }
    b->last = c;
    b->end = 0;
    return 0;
}

int
backlog_push(struct backlog *b, struct slab *chunks, struct message *m)
{
    int rc = make_room(b, chunks);

    if (rc < 0)
        return rc;
    message_ref(m, 1);
    b->last->v[b->end++] = m;
    b->n++;
    b->bytes += m->bytes;
    return 0;
}

struct message *
backlog_pop(struct backlog *b, struct slab *chunks)
{
    struct backlog_chunk *c = b->first;
    struct message *m;

    if (b->n == 0)
        return NULL;
    m = c->v[b->begin++];
    b->n--;
    b->bytes -= m->bytes;
    if (b->n > 0 && b->begin < BACKLOG_CHUNK)
        return m;
    b->first = c->next;
    b->begin = 0;
    if (b->n == 0)
        b->last = NULL;
    slab_give(chunks, c);
    return m;
}

void
backlog_clear(struct backlog *b, struct slab *chunks)
{
    struct message *m;

    while ((m = backlog_pop(b, chunks)) != NULL)
        message_unref(m, 1);
}
