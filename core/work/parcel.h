/* SPDX-License-Identifier: BSD-2-Clause */
/* parcel.h - a connection that is in nobody's slot: on its way from a worker to
 * another one, or to another process.
 *
 * It travels as mail between threads, and through a worker's pipe as a record
 * whose arg it is (RECORD_PARCEL).  A worker that gives to another one has a
 * few of its own, so that neither calls the heap. */
#ifndef WORK_PARCEL_H
#define WORK_PARCEL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/check.h"
#include "conn/conn_give.h"
#include "io/mailbox.h"

struct parcel {
    struct mail mail;
    struct parcel *next; /* of whoever has it */
    int fd;
    struct handed handed;
    uint8_t is_pooled;  /* one of parcel_pooled */
    _Atomic int is_out; /* it is in use; set by its worker, cleared by who has
                           it last */
};

/* Of this connection, which it takes; NULL without memory, and it is closed.
 * [any] */
struct parcel *parcel_new(int fd, const struct handed *h);
/* The same out of the n of a pool, which are zero at first; NULL: all are out,
 * and the connection stays the caller's. [worker] */
struct parcel *parcel_pooled(struct parcel *pool, uint32_t n, int fd,
                             const struct handed *h);
/* Its connection is somebody's: the parcel goes. [any] */
void parcel_free(struct parcel *p);
/* Close the connection, free the parcel. [any] */
void parcel_drop(struct parcel *p);
/* Close the connection of a record, whatever brings it. [any] */
void parcel_drop_record(const struct record *r);
/* The record that brings it to a worker, and back. [any] */
struct record parcel_record(struct parcel *p);
struct parcel *parcel_of(const struct record *r);

#endif
