/* SPDX-License-Identifier: BSD-2-Clause */
/* state.h - what a supervisor tells the one that takes its place.
 *
 * It is the same process: it executes another program, with its descriptors
 * open.  So what there is to tell is numbers and a few texts, as lines of a
 * memfd, each a word that says what the rest of it is:
 *
 *     etude-supervisor 1
 *     held 3 0 7 1 0 0 0 0200...
 *     child ...
 *
 * An older program reads what a newer one has written, and the reverse: a line
 * with an unknown word is passed over, and what is new stands at the end of a
 * line.  Who has something to tell writes and reads its own lines (held.h,
 * servers.h); here: the file. */
#ifndef SUPER_STATE_H
#define SUPER_STATE_H

#include <stddef.h>
#include <stdio.h>

#include "base/check.h"

#define STATE_LINE_MAX 8192

struct state {
    FILE *file;
    int fd; /* of it; survives execve */
};

/* Begin to write.  0 or -errno. [control] */
MUST_USE int state_begin(struct state *to);
/* One line more. [control] */
void state_put(struct state *to, const char *format, ...) PRINTF(2, 3);
/* fd, which is to survive what comes, as a number to write; -1: none. [control]
 */
int state_fd(int fd);
/* fd has survived: it closes on exec again; -1: none. [control] */
void state_take_fd(int fd);
/* All is written: state->fd is to be read.  0 or -errno, and closed. [control]
 */
MUST_USE int state_finish(struct state *to);
/* Nobody has taken our place: fd, and all descriptors that were to survive,
 * close on exec again. [control] */
void state_give_up(const struct state *st);

/* Read the file of fd, and close it: take is called with each line's first word
 * and the rest.  0 or -errno (-EPROTO: no such file). [control] */
MUST_USE int
state_read(int fd, void (*take)(void *arg, const char *word, const char *rest),
           void *arg);

/* n bytes as hexadecimal digits, NUL-terminated; and back: how many. [any] */
void state_hex(const void *p, size_t n, char *out);
size_t state_unhex(const char *hex, void *out);

#endif
