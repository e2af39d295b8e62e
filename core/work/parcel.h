/* SPDX-License-Identifier: BSD-2-Clause */
/* parcel.h - a connection that is in nobody's slot: on its way from a worker to
 * another one, or to another process.
 *
 * It travels as mail between threads, and through a worker's pipe as a record
 * whose arg it is (RECORD_PARCEL). */
#ifndef WORK_PARCEL_H
#define WORK_PARCEL_H

#include <stdint.h>

#include "base/check.h"
#include "conn/conn_give.h"
#include "work/mailbox.h"

struct parcel {
    struct mail mail;
    struct parcel *next; /* of whoever has it */
    int fd;
    struct handed handed;
};

/* Of this connection, which it takes; NULL without memory, and it is closed.
 * [any] */
struct parcel *parcel_new(int fd, const struct handed *h);
/* Close the connection, free the parcel. [any] */
void parcel_drop(struct parcel *p);
/* The record that brings it to a worker, and back. [any] */
struct record parcel_record(struct parcel *p);
struct parcel *parcel_of(const struct record *r);

#endif
