/* SPDX-License-Identifier: BSD-2-Clause */
/* why.h - the reason of a refusal, written where the caller wants it.
 *
 * Inside plug a reason is the end of a sentence that begins with the file's
 * name ("is empty"); who shows it puts "plugin <path>: " in front. */
#ifndef PLUG_WHY_H
#define PLUG_WHY_H

#include "abi/etude_abi.h"
#include "base/check.h"

/* Write the text (NUL-terminated, cut to e->cap) and return ERR_INVALID. [any]
 */
int why_set(et_err *e, const char *fmt, ...) PRINTF(2, 3);

#endif
