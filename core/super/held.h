/* SPDX-License-Identifier: BSD-2-Clause */
/* held.h - the listening sockets, which outlive the processes that accept.
 *
 * A server process asks for each socket it wants and is given a descriptor of
 * it: of one that is held already and that this process has not been given yet,
 * else of a new one.  So a process that takes the place of another finds the
 * sockets, and who is queued there, as they are - also one whose port the
 * kernel chose.  Several processes may have a socket at once; they are told
 * apart by a number below HELD_PROCESSES.  Here only: who has which.  Opening
 * one is os/sock.h's. */
#ifndef SUPER_HELD_H
#define SUPER_HELD_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "os/sock.h"

#define HELD_PROCESSES 32

struct held_socket;
struct state;

struct held {
    struct held_socket *first;
    uint32_t last_id;
};

/* The socket of this address (index: which of several) for process who: its
 * descriptor, which stays held's, and *id; or -errno with the reason in why
 * (cap bytes).  May wait for options->patience_ms. [control] */
MUST_USE int held_listen(struct held *h, uint32_t who,
                         const struct sock_address *a,
                         const struct sock_options *options, uint32_t index,
                         uint32_t *id, char *why, size_t cap);
/* A listening socket that we were started with: it is held and, if a server
 * process asks for its address, given.  Takes fd.  0, or -errno if it is none
 * that can be served, and closed. [control] */
MUST_USE int held_adopt(struct held *h, int fd);
/* Process who does not want that socket any more.  If nobody else has it, it is
 * closed and its file removed; what processes have of it stays open.  An id
 * that there is none of is nothing. [control] */
void held_release(struct held *h, uint32_t who, uint32_t id);
/* Process who has none of them, any more or yet. [control] */
void held_take_back(struct held *h, uint32_t who);
/* Close what no process has, remove the files. [control] */
void held_settle(struct held *h);
/* Close all, remove the files. [control] */
void held_close(struct held *h);

/* For a supervisor that takes our place: all of it, and back.  held_load takes
 * one line of what held_save has written, without its first word. [control] */
void held_save(const struct held *h, struct state *to);
void held_load(struct held *h, const char *line);

#endif
