/* SPDX-License-Identifier: BSD-2-Clause */
/* errand.h - a plugin's command, carried from worker to worker.
 *
 *     control: look it up -> worker 0 -> control -> worker 1 ... -> answer
 *
 * One worker at a time, between two of its events; what each of them says is
 * part of one answer.  A worker that a plugin blocks keeps the errand: whoever
 * asked is told after prepare_timeout, and the errand goes on without it. */
#ifndef SERVE_ERRAND_H
#define SERVE_ERRAND_H

#include <stdint.h>

#include "base/check.h"
#include "ctl/request.h"

struct answer;
struct server;

#define ERRAND_MAX 16
#define ERRAND_BYTES 65536u /* of what one worker says */

/* Begin what q asks for, to be answered to who has that number.  0; or below 0,
 * and a says why. [control] */
MUST_USE int errand_start(struct server *s, uint64_t asked_by,
                          const struct request *q, struct answer *a);
/* No thread is left: free those that are out. [control] */
void errand_fini(struct server *s);

#endif
