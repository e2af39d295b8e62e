/* SPDX-License-Identifier: BSD-2-Clause */
/* rooms.h - the rooms that a worker knows, and what was said in them last.
 *
 *     log: [ length, 2 bytes | message ][ length | message ] ... <= ROOM_BYTES
 *
 * A table of a fixed size; a room that nobody of this worker is in may have to
 * go for another one, the one that is quiet the longest first, and its log with
 * it.  All of it together: at most max rooms of ROOM_BYTES. */
#ifndef CHAT_ROOMS_H
#define CHAT_ROOMS_H

#include <etude.h>

#include "wire.h"

#define ROOM_BYTES 32768u
#define ROOMS_MAX 1000u
#define ROOMS_LAYOUT 1u /* of rooms_save */

struct room {
    char name[WIRE_ROOM_MAX];
    uint32_t name_len; /* 0: it is none */
    uint32_t hash;
    uint32_t n_here; /* who is in it, on this worker */
    uint32_t serial; /* another one for each name it has had */
    uint64_t used;   /* larger: later */
    uint32_t n;      /* messages in the log */
    uint32_t n_kept; /* ever; of another one it may begin anywhere */
    uint32_t log_len;
    char *log; /* or NULL: there was none yet */
};

struct rooms {
    struct room *v;
    uint32_t max, history; /* messages a room keeps */
    uint64_t clock;
};

/* 0 or ET_ENOMEM. */
int32_t rooms_init(struct rooms *r, uint32_t max, uint32_t history);
void rooms_fini(struct rooms *r);

/* That of a name of 1 to WIRE_ROOM_MAX bytes, or a new one; NULL: there are
 * max, and somebody is in each. */
struct room *rooms_get(struct rooms *r, et_str name);
/* What leads to room without a pointer, and back: NULL: it is another one by
 * now. */
uint32_t rooms_ticket(const struct rooms *r, const struct room *room);
struct room *rooms_of_ticket(const struct rooms *r, uint32_t ticket);

/* Keep a message; without memory, or if it is too large, it is not. */
void rooms_keep(const struct rooms *r, struct room *room, et_str message);
/* The next message of room from *at on, which is 0 at first; absent: there are
 * no more. */
et_str rooms_next(const struct room *room, size_t *at);
/* Where the messages begin that were kept since room->n_kept was that. */
size_t rooms_since(const struct room *room, uint32_t n_kept);

/* As ET_STATE_SAVED has them: the logs. */
int32_t rooms_save(const struct rooms *r, void *out,
                   int32_t (*put)(void *out, const void *p, size_t n));
int32_t rooms_load(struct rooms *r, const char *p, size_t n);

#endif
