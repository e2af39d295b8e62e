/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.h - a file becomes an answer (RFC 9110: 9.3.1, 13, 14). */
#ifndef STATIC_ANSWER_H
#define STATIC_ANSWER_H

#include <etude.h>

#include "ask.h"

struct file;

/* Answer with f, which stays until the log step; with coded instead, its
 * sibling of that coding, if that is not NULL.  What the step returns. [worker]
 */
uint32_t answer_file(et_req *r, const struct ask *a, const struct file *f,
                     const struct file *coded, enum coding coding);

#endif
