/* SPDX-License-Identifier: BSD-2-Clause */
/* suspend.h - steps that wait with a continuation.
 *
 *     suspend, return ET_WAIT --woken by its token, or its job is done-->
 * resume
 *                             --client gone, timeout, end of server----> cancel
 *
 * One of the two, once.  Where both are near, the token decides (waits.h): who
 * was told that it woke the step is right, also if the client has gone by then.
 */
#ifndef HTTP_SUSPEND_H
#define HTTP_SUSPEND_H

#include <stdint.h>

#include "abi/etude_abi.h"

struct req;

/* Have the step of r that runs wait, for at most ms milliseconds (0: as long as
 * its route lets it): the token, or 0: it may not, or no more can wait.  A
 * suspension that the step had before is forgotten.  [worker] */
uint64_t suspend_step(struct req *r, et_resume_fn resume, et_cancel_fn cancel,
                      uint32_t ms);
/* The same until fn(arg) has run on a thread of the pool, which has no limit.
 * 0, or ET_EPHASE: it may not; ET_ELIMIT: the queue is full, or no more can
 * wait; ET_ERETIRE: it was to be given up while a job of it ran; ET_ENOMEM;
 * ET_EINVAL: no resume. [worker] */
int32_t suspend_for_job(struct req *r, int32_t (*fn)(void *arg), void *arg,
                        uint32_t priority, et_resume_fn resume,
                        et_cancel_fn cancel);

#endif
