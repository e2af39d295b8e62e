/* SPDX-License-Identifier: BSD-2-Clause */
/* whole.c - see whole.h. */
#include "whole.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES (256u << 10)

/* p of *had bytes, with room for n; what is in it may go. */
static int32_t
make_room(char **p, size_t *had, size_t n)
{
    if (*had >= n)
        return 0;
    free(*p);
    *p = malloc(n);
    *had = *p ? n : 0;
    return *p ? 0 : -1;
}

int32_t
whole_take(struct whole *w, size_t size, const char *p, size_t n)
{
    if (w->n > size || n > size - w->n)
        return -1;
    if (make_room(&w->in, &w->size, size) < 0)
        return -1;
    memcpy(w->in + w->n, p, n);
    w->n += n;
    return 0;
}

int32_t
whole_widen(struct whole *w)
{
    return make_room(&w->out, &w->room,
                     w->n + w->n / 64 + 1024); /* no library exceeds that */
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
