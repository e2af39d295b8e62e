/* SPDX-License-Identifier: BSD-2-Clause */
/* wire.h - what goes over a WebSocket of the chat, as JSON.
 *
 *     client:  {"hello":"Ann"}   once, first      {"text":"hi"}
 *     server:  {"id":1,"time":1,"name":"Ann","event":"join"}  (or "leave")
 *              {"id":2,"time":2,"name":"Ann","text":"hi"}
 *              {"welcome":"Ann","max":2048}   {"error":"why not"}
 *
 * A message of a client is one object with one member, a string; anything else
 * is refused, so that there is nothing to skip.  Names and texts are UTF-8,
 * without control characters and without those that turn the direction of what
 * stands behind them, and something of them is seen; page.c judges them alike.
 * Nothing here allocates. */
#ifndef CHAT_WIRE_H
#define CHAT_WIRE_H

#include <etude.h>

#define WIRE_NAME_MAX 40u   /* bytes of a name */
#define WIRE_ROOM_MAX 64u   /* of a room's */
#define WIRE_TEXT_MAX 8000u /* of a text */
/* Of what a client sends that says max bytes: all may be escaped. */
#define WIRE_SENT_MAX(max) (6u * (max) + 64u)
/* Of what wire_write writes. */
#define WIRE_MAX (2u * (WIRE_TEXT_MAX + WIRE_NAME_MAX) + 128u)

enum wire_kind { WIRE_HELLO, WIRE_TEXT, WIRE_JOIN, WIRE_LEAVE };

struct wire_said {
    enum wire_kind kind; /* WIRE_HELLO, WIRE_TEXT */
    size_t n;
    char p[WIRE_TEXT_MAX];
};

/* What n bytes at p say: 0; ET_EINVAL: not in that form; ET_ELIMIT: more than
 * a text may be. */
int32_t wire_read(const char *p, size_t n, struct wire_said *said);
/* Whether s is 1 to max bytes that may be shown, and of which something is
 * seen: not all blanks, or joiners and the like. */
int wire_is_clean(et_str s, size_t max);
/* Whether it may be the name of a room, which is a parameter of a path: two
 * that differ are of two rooms. */
int wire_is_room(et_str s);
/* Of a text, or somebody who comes or goes; its length. */
size_t wire_write(char out[WIRE_MAX], enum wire_kind kind, uint64_t id,
                  int64_t time_ms, et_str name, et_str text);

#endif
