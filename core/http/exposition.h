/* SPDX-License-Identifier: BSD-2-Clause */
/* exposition.h - all figures as text: what [server] metrics = /path answers.
 *
 * Prometheus' text format 0.0.4: first the server's own, summed over the
 * workers, and which configuration answers, then the families of metering.h
 * that have something to say.  The text is written on the worker that was
 * asked, from figures that other workers go on changing: each number is right
 * at some moment of it, and a histogram's count is the sum of the buckets shown
 * with it.  What else the host knows of a generation (gen.facts) follows. */
#ifndef HTTP_EXPOSITION_H
#define HTTP_EXPOSITION_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct metering;

/* Text in pages of its own, for it may grow beyond any request's memory.
 * Zeroed is empty. */
struct exposition {
    char *p;
    size_t n, cap;
};

/* Write all of m, and the hash of the configuration (conf/bundle_hash.h); 0 or
 * ERR_NOMEM.  exposition_free in either case. [any] */
MUST_USE int exposition_write(struct exposition *x, const struct metering *m,
                              const char *conf_hash);
/* Give the pages back; x is a struct exposition. [any] */
void exposition_free(void *x);

/* The step of the path. [worker] */
uint32_t exposition_answer(et_req *pub, void *self);

#endif
