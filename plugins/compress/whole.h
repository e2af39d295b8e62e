/* SPDX-License-Identifier: BSD-2-Clause */
/* whole.h - room for a body that is compressed in one go, when all of it is
 * there, and for what comes of it; kept for the next one.
 *
 *     take ... take -> widen -> (in becomes out) -> rest -> take ... end
 *
 * Sizes are bytes.  Not for two threads at once. */
#ifndef COMPRESS_WHOLE_H
#define COMPRESS_WHOLE_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed at first. */
struct whole {
    char *in, *out;       /* malloc'ed, or NULL */
    size_t n, size, room; /* of in: what is there, and its room; of out */
};

/* p's n bytes, which are copied, are the next of a body of `size`: 0; below 0:
 * no memory, or it has more than that, and nothing has been taken. */
int32_t whole_take(struct whole *w, size_t size, const char *p, size_t n);
/* All of it is there: room for out, whichever library it is and however little
 * the body gives in.  0; below 0: no memory. */
int32_t whole_widen(struct whole *w);
/* What it takes. */
size_t whole_bytes(const struct whole *w);
/* It is empty; its room is kept if that is small. */
void whole_rest(struct whole *w);
/* It is as at first. */
void whole_end(struct whole *w);

#endif
