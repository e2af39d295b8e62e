/* SPDX-License-Identifier: BSD-2-Clause */
/* whole.c - see whole.h. */
#include "whole.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES (256u << 10)

static int32_t
make_room(struct whole *w, size_t size)
{
    whole_end(w);
    w->size = size;
    w->room = size + size / 64 + 1024; /* no library exceeds that */
    w->in = malloc(w->size);
    w->out = malloc(w->room);
    if (w->in && w->out)
        return 0;
    whole_end(w);
    return -1;
}

int32_t
whole_take(struct whole *w, size_t size, const char *p, size_t n)
{
    if (w->n > size || n > size - w->n)
        return -1;
    if (w->size < size && make_room(w, size) < 0)
        return -1;
    memcpy(w->in + w->n, p, n);
    w->n += n;
    return 0;
}

size_t
whole_bytes(const struct whole *w)
{
    return w->size + w->room;
}

void
whole_rest(struct whole *w)
{
    w->n = 0;
    if (whole_bytes(w) > KEPT_BYTES)
        whole_end(w);
}

void
whole_end(struct whole *w)
{
    free(w->in);
    free(w->out);
    *w = (struct whole){0};
}
