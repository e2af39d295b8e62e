/* SPDX-License-Identifier: BSD-2-Clause */
/* mailbox.h - how threads speak to each other: a pipe and, behind it, a list.
 *
 *     acceptor --records--> [ pipe ] --> worker
 *     anyone  ---mail-----> [ list ] --> worker      (WAKE through the pipe)
 *
 * The pipe carries 16-byte records: connections, and WAKE.  Everything else is
 * mail: a node that lives in the thing it concerns, so a post cannot fail for
 * want of memory.  Only the push that finds the list empty writes WAKE; a full
 * pipe wakes its reader anyway.  A reader that posts to itself is awake: it
 * does without the pipe (mailbox_own).  One reader, any number of writers;
 * records are written at most PIPE_BUF at a time and so never torn. */
#ifndef WORK_MAILBOX_H
#define WORK_MAILBOX_H

#include <errno.h>
#include <stdint.h>

#include "base/check.h"
#include "base/mpsc.h"

enum record_kind {
    RECORD_WAKE,   /* the list may have mail */
    RECORD_CONN,   /* a connection: listener, fd; arg: census_key or 0 */
    RECORD_PARCEL, /* one that was another worker's: arg, work/parcel.h */
};

struct record {
    uint16_t kind; /* enum record_kind */
    uint16_t listener;
    int32_t fd;
    uint64_t arg;
};

#define MAILBOX_BATCH                                                          \
    256 /* records a read or write moves at once: PIPE_BUF                     \
         */

struct mail {
    struct mpsc_node node;
    /* Called on the reader's thread, with the reader; m is the sender's again
     * from then on. */
    void (*deliver)(void *reader, struct mail *m);
};

struct mailbox {
    struct mpsc list;
    int read_fd, write_fd; /* non-blocking */
    uint64_t complain_ms;  /* of mailbox_outlast: not before */
    int is_due;            /* the reader's: it has posted to itself */
};

/* 0 or -errno. [control] */
MUST_USE int mailbox_open(struct mailbox *b);
/* Close the pipe, and drop what is still in it but WAKE (NULL: nothing else
 * ever is): how many.  Mail that was not delivered is its sender's again.
 * [control] */
uint32_t mailbox_close(struct mailbox *b, void (*drop)(const struct record *r));
/* The calling thread reads b, to its end, and no other mailbox: from now on it
 * asks mailbox_is_due before it waits. [reader] */
void mailbox_own(struct mailbox *b);
/* Whether it is to deliver instead of waiting. [reader] */
static inline int
mailbox_is_due(const struct mailbox *b)
{
    return b->is_due;
}
/* Post m; never fails.  m stays the mailbox's until it is delivered. [any] */
void mailbox_post(struct mailbox *b, struct mail *m);
/* Write n <= MAILBOX_BATCH records: all of them (0), or none: -EAGAIN, or
 * another -errno if one end is closed, which is noted (base/robbed.h). [any] */
MUST_USE int mailbox_send(struct mailbox *b, const struct record *v, size_t n);
/* Read up to MAILBOX_BATCH records; 0 when there are none, and if one end is
 * closed, which is noted. [reader] */
size_t mailbox_recv(struct mailbox *b, struct record v[MAILBOX_BATCH]);
/* The same, but at most max of them. [reader] */
size_t mailbox_recv_some(struct mailbox *b, struct record *v, size_t max);
/* The reader's way of waiting fails with rc, a -errno, perhaps for good: say so
 * now and then, and wait here for a while, so that it does not spin and goes on
 * taking orders. [reader] */
void mailbox_outlast(struct mailbox *b, int rc, uint64_t now_ms);
/* Whether rc of waiting says that what is waited with is gone for good: nobody
 * here closes it, so a plugin has. [any] */
static inline int
mailbox_is_hopeless(int rc)
{
    return rc == -EBADF || rc == -EOPNOTSUPP;
}
/* Deliver all mail that is there, in the order posted. [reader] */
void mailbox_deliver(struct mailbox *b, void *reader);

#endif
