/* SPDX-License-Identifier: BSD-2-Clause */
/* piece.h - entries of a shelf that are a few bytes.
 *
 * A piece is never changed: another one takes its place at once.  So nobody
 * waits for who writes it, and whoever reads sees one or the other, whole, also
 * when the writer is killed in the middle.  The rules that hold for all of it
 * are those of shelf.h. */
#ifndef BASE_PIECE_H
#define BASE_PIECE_H

#include <stddef.h>
#include <stdint.h>

#include "base/shelf.h"

/* Keep a copy of bytes under that name, for ttl_ms from now (0: for ever), in
 * the place of what was there.  0; or ERR_LIMIT, and what was there is gone as
 * well. [any] */
MUST_USE int piece_put(const struct shelf *s, struct shelf_hand *hand,
                       const struct shelf_name *name, uint64_t whose,
                       et_str bytes, uint64_t ttl_ms);
/* Copy what is under that name to out, which has room for all that a slot has:
 * its length, or -1: there is none. [any] */
int piece_get(const struct shelf *s, const struct shelf_name *name,
              uint64_t now_ms, void *out);
/* There is none of that name any more. [any] */
void piece_drop(const struct shelf *s, struct shelf_hand *hand,
                const struct shelf_name *name);

/* Copy the bytes of an entry that was seen to out, with room for all that a
 * slot has: how many, or -1: it is gone. [any] */
int piece_copy(const struct shelf *s, const struct shelf_view *v, void *out);

#endif
