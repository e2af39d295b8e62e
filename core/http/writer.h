/* SPDX-License-Identifier: BSD-2-Clause */
/* writer.h - an answer that a task writes piece by piece: of et.task/1 begin,
 * write, flush and trailer.
 *
 *     task            chain                      protocol
 *     begin --------> CHAIN_OPEN: the response
 *                     steps see it ------------> the head
 *     <------------------------------------------+
 *     write -----------------------------------> sink->write
 *        waits while there is no room            task_room_came
 *     return -------> CHAIN_DONE --------------> the end, trailers
 *
 * From begin on the answer is committed: a step that fails after that cuts it
 * off, so that the client sees that it is not whole. */
#ifndef HTTP_WRITER_H
#define HTTP_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"

struct req;

/* As etude_abi.h has them. [worker] */
int32_t writer_begin(et_req *pub, uint32_t status, et_str type,
                     uint64_t length);
int32_t writer_write(et_req *pub, const void *p, size_t n);
int32_t writer_flush(et_req *pub);
int32_t writer_trailer(et_req *pub, et_str name, et_str value);

/* The step of r, a task, returns rc: what it is to return, once those that
 * filter what it has written have seen the end. */
uint32_t writer_last(struct req *r, uint32_t rc);
/* The task of r that runs writes n bytes, behind all filters, and waits for
 * them if flags has ET_BODY_FLUSH.  0, or as writer_write. */
int32_t writer_put(struct req *r, const void *p, size_t n, uint32_t flags);

#endif
