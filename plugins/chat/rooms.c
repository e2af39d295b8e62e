/* SPDX-License-Identifier: BSD-2-Clause */
/* rooms.c - see rooms.h. */
#include "rooms.h"

int32_t
rooms_init(struct rooms *r, uint32_t max, uint32_t history)
{
    r->v = (struct room *)calloc(max, sizeof *r->v);
    r->max = max;
    r->history = history;
    return r->v ? 0 : ET_ENOMEM;
}

void
rooms_fini(struct rooms *r)
{
    for (uint32_t i = 0; r->v && i < r->max; i++)
        free(r->v[i].log);
    free(r->v);
    r->v = NULL;
}

/* ---- the table -----------------------------------------------------------*/

/* Saves most comparisons; who makes it collide gains nothing: there are few. */
static uint32_t
hash_of(et_str name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 16777619u;
    return h;
}

/* Whether a is to go rather than b. */
static int
is_less_used(const struct room *a, const struct room *b)
{
    return !b || a->used < b->used;
}

static void
rename_room(struct room *room, uint32_t hash, et_str name)
{
    memcpy(room->name, name.p, name.n);
    room->name_len = (uint32_t)name.n;
    room->hash = hash;
    room->serial++;
    room->n = room->log_len = 0;
}

struct room *
rooms_get(struct rooms *r, et_str name)
{
    const uint32_t hash = hash_of(name);
    struct room *found = NULL;
    for (uint32_t i = 0; i < r->max; i++) {
        struct room *room = &r->v[i];
        if (room->hash == hash &&
            et_eq(et_sn(room->name, room->name_len), name)) {
            room->used = ++r->clock;
            return room;
        }
        if (room->n_here == 0 && is_less_used(room, found))
            found = room;
    }
    if (found) {
        rename_room(found, hash, name);
        found->used = ++r->clock;
    }
    return found;
}

uint32_t
rooms_ticket(const struct rooms *r, const struct room *room)
{
    return room->serial << 16 | (uint32_t)(room - r->v);
}

struct room *
rooms_of_ticket(const struct rooms *r, uint32_t ticket)
{
    struct room *room = &r->v[ticket & 0xffff];
    return rooms_ticket(r, room) == ticket ? room : NULL;
}

/* ---- logs ----------------------------------------------------------------*/

static size_t
length_at(const struct room *room, size_t at)
{
    return (size_t)(unsigned char)room->log[at] << 8 |
           (unsigned char)room->log[at + 1];
}

/* The oldest go until there is room for n more bytes, and one message. */
static void
make_room(const struct rooms *r, struct room *room, size_t n)
{
    size_t gone = 0;
    while (room->n > 0 &&
           (room->n >= r->history || room->log_len - gone + n > ROOM_BYTES)) {
        gone += 2 + length_at(room, gone);
        room->n--;
    }
    if (gone == 0)
        return;
    room->log_len -= (uint32_t)gone;
    memmove(room->log, room->log + gone, room->log_len);
}

void
rooms_keep(const struct rooms *r, struct room *room, et_str message)
{
    char *to;
    if (!room->log)
        room->log = (char *)malloc(ROOM_BYTES);
    if (!room->log || r->history == 0 || message.n + 2 > ROOM_BYTES)
        return;
    make_room(r, room, message.n + 2);
    to = room->log + room->log_len;
    to[0] = (char)(message.n >> 8);
    to[1] = (char)message.n;
    memcpy(to + 2, message.p, message.n);
    room->log_len += (uint32_t)message.n + 2;
    room->n++;
    room->n_kept++;
}

et_str
rooms_next(const struct room *room, size_t *at)
{
    et_str message;
    if (*at >= room->log_len)
        return et_s(NULL);
    message = et_sn(room->log + *at + 2, length_at(room, *at));
    *at += 2 + message.n;
    return message;
}

size_t
rooms_since(const struct room *room, uint32_t n_kept)
{
    const uint32_t n_new = room->n_kept - n_kept;
    size_t at = 0;
    for (uint32_t n_old = room->n; n_old > n_new; n_old--)
        at += 2 + length_at(room, at);
    return at;
}

/* ---- over a reload --------------------------------------------------------*/

/* Of each room: its name's length (1 byte) and the name, the log's length (4)
 * and the log. */

int32_t
rooms_save(const struct rooms *r, void *out,
           int32_t (*put)(void *out, const void *p, size_t n))
{
    int32_t rc = 0;
    for (uint32_t i = 0; i < r->max && rc == 0; i++) {
        const struct room *room = &r->v[i];
        const char name_len = (char)room->name_len;
        const uint32_t len = room->log_len;
        if (room->n == 0)
            continue;
        rc = put(out, &name_len, 1);
        if (rc == 0)
            rc = put(out, room->name, room->name_len);
        if (rc == 0)
            rc = put(out, &len, sizeof len);
        if (rc == 0)
            rc = put(out, room->log, len);
    }
    return rc;
}

struct saved {
    et_str name, log;
};

/* The next one of *p, which moves behind it: 1; 0: that was all; ET_EINVAL. */
static int32_t
next_saved(et_str *p, struct saved *s)
{
    uint32_t len;
    if (p->n == 0)
        return 0;
    s->name = et_sn(p->p + 1, (unsigned char)p->p[0]);
    if (!s->name.n || s->name.n > WIRE_ROOM_MAX ||
        p->n < 1 + s->name.n + sizeof len)
        return ET_EINVAL;
    memcpy(&len, s->name.p + s->name.n, sizeof len);
    s->log = et_sn(s->name.p + s->name.n + sizeof len, len);
    if (len > p->n - 1 - s->name.n - sizeof len)
        return ET_EINVAL;
    *p = et_sn(s->log.p + len, p->n - 1 - s->name.n - sizeof len - len);
    return 1;
}

/* Its messages, as if they were said now: the bounds may be others. */
static int32_t
take(struct rooms *r, const struct saved *s)
{
    struct room *room = r ? rooms_get(r, s->name) : NULL;
    et_str log = s->log;
    while (log.n > 0) {
        size_t n;
        if (log.n < 2)
            return ET_EINVAL;
        n = (size_t)(unsigned char)log.p[0] << 8 | (unsigned char)log.p[1];
        if (n > log.n - 2)
            return ET_EINVAL;
        if (room)
            rooms_keep(r, room, et_sn(log.p + 2, n));
        log = et_sn(log.p + 2 + n, log.n - 2 - n);
    }
    return 0;
}

/* All of it, into r or (NULL) to see whether it can be. */
static int32_t
take_all(struct rooms *r, et_str p)
{
    struct saved s;
    int32_t rc;
    while ((rc = next_saved(&p, &s)) > 0) {
        rc = take(r, &s);
        if (rc < 0)
            return rc;
    }
    return rc;
}

int32_t
rooms_load(struct rooms *r, const char *p, size_t n)
{
    int32_t rc = take_all(NULL, et_sn(p, n));
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < r->max; i++)
        r->v[i].n = r->v[i].log_len = 0;
    return take_all(r, et_sn(p, n));
}
