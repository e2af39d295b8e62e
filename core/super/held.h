/* SPDX-License-Identifier: BSD-2-Clause */
/* held.h - the listening sockets, which outlive the processes that accept.
 *
 * A server process asks for each socket it wants and is given a descriptor of
 * it: of one that is held already and that this process has not been given yet,
 * else of a new one.  So a process that takes the place of a dead one finds the
 * sockets, and who is queued there, as they were - also one whose port the
 * kernel chose.  Here only: who has which.  Opening one is os/sock.h's. */
#ifndef SUPER_HELD_H
#define SUPER_HELD_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "os/sock.h"

struct held_socket;

struct held {
    struct held_socket *first;
    uint32_t last_id;
};

/* The socket of this address (index: which of several) for the process that
 * runs: its descriptor, which stays held's, and *id; or -errno with the reason
 * in why (cap bytes).  May wait for options->patience_ms. [control] */
MUST_USE int held_listen(struct held *h, const struct sock_address *a,
                         const struct sock_options *options, uint32_t index,
                         uint32_t *id, char *why, size_t cap);
/* A listening socket that we were started with: it is held and, if a server
 * process asks for its address, given.  Takes fd.  0, or -errno if it is none
 * that can be served, and closed. [control] */
MUST_USE int held_adopt(struct held *h, int fd);
/* Close that socket, remove its file; what the process has of it stays open.
 * An id that there is none of is nothing. [control] */
void held_release(struct held *h, uint32_t id);
/* Another process runs now: nothing is given to it yet. [control] */
void held_take_back(struct held *h);
/* Close what the process that runs has not asked for. [control] */
void held_settle(struct held *h);
/* Close all, remove the files. [control] */
void held_close(struct held *h);

#endif
