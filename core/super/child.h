/* SPDX-License-Identifier: BSD-2-Clause */
/* child.h - one server process, as its supervisor starts and orders it.
 *
 * It is this program again, started anew as `etude server`, in a session of its
 * own (a terminal's Ctrl-C does not reach it), with the channel as descriptor
 * CTL_FD and nothing else that is ours.  It does not outlive the supervisor:
 * the kernel kills it, and the channel ends.  Which of them does what is
 * servers.h's business; here: one of them. */
#ifndef SUPER_CHILD_H
#define SUPER_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/check.h"
#include "ctl/ctl.h"
#include "ctl/faults.h"
#include "super/program.h"

enum child_role {
    CHILD_NONE,    /* there is none */
    CHILD_COMING,  /* it starts, to take over from the one that serves */
    CHILD_SERVING, /* it serves, or is about to and nobody else does */
    CHILD_LEAVING, /* another one serves: it ends when its connections have */
    CHILD_PROBING, /* it serves nothing: it tries a configuration, and ends */
};

/* Orders of which one at a time is carried out, and which are answered. */
enum { CHILD_RELOAD, CHILD_REOPEN, CHILD_N_ORDERS };

struct child {
    uint8_t role;        /* enum child_role */
    uint8_t is_ready;    /* it has served, or tried */
    uint8_t is_late;     /* it is killed for being so */
    uint8_t is_reloaded; /* it has taken over a generation in this reload */
    uint8_t is_out[CHILD_N_ORDERS];
    uint16_t version; /* of ctl.h, that it speaks */
    pid_t pid;
    int channel;           /* -1: it does not speak to us any more */
    int faults_fd;         /* its block of faults; -1 */
    struct faults *faults; /* the same, mapped; NULL */
    uint64_t n_faults;     /* of it, that have been looked at */
    uint32_t n_asked;      /* commands that it has not answered */
    int denials_fd;        /* where it asks for system calls (denials.h); -1 */
    int bundle_fd; /* what it serves, while it is coming; -1: nothing yet */
    uint32_t generation; /* the number of that */
    int upgrade_fd;      /* of a program that takes our place with it; -1 */
    char why[256];       /* it will not serve: in its words, or "" */
    uint64_t born_ns;    /* monotonic, as all times here */
    uint64_t kill_ns;    /* it may end by itself until then; 0: as it likes */
};

/* There is none. [any] */
void child_init(struct child *c);
/* What a process is started with. */
struct child_start {
    int program_fd;
    int bundle_fd; /* -1: it is to read the files */
    enum ctl_source source;
    enum child_role role;
    const struct identity *who; /* NULL: the program's */
};

/* Start c, which is none, so.  0 or -errno. [control] */
MUST_USE int child_start(struct child *c, const struct program *p,
                         const struct child_start *how);
/* Have it begin, which it waits for. [control] */
void child_begin(struct child *c, const struct child_start *how);
/* Send it m, and passed (-1: nothing) with it.  One that does not listen is
 * killed: its end is told like any other. [control] */
void child_send(struct child *c, struct ctl_message *m, int passed);
/* The same, of a message that is but its kind. [control] */
void child_say(struct child *c, enum ctl_kind kind, int passed);
/* Give it an order (CHILD_RELOAD, ...) with the bundle it is about (-1: none),
 * made of source; it is out until child_done. [control] */
void child_order(struct child *c, uint32_t order, int bundle_fd,
                 enum ctl_source source);
/* It is done with an order, by its kind (CTL_RELOAD, ...). [control] */
void child_done(struct child *c, uint32_t kind);
/* Answer the system calls that it asks for. [control] */
void child_answer(struct child *c);
/* Speak to it no more. [control] */
void child_hang_up(struct child *c);
/* It has ended, and its channel is read empty: there is none. [control] */
void child_end(struct child *c);

#endif
