/* SPDX-License-Identifier: BSD-2-Clause */
/* messages.h - what server processes say, and what is done about it. */
#ifndef SUPER_MESSAGES_H
#define SUPER_MESSAGES_H

#include "base/check.h"

struct child;
struct super;

/* All that c has said since.  One that does not speak to us any more, or not
 * our language, is about to end or not worth keeping: it is given a moment.
 * [control] */
void messages_read(struct super *s, struct child *c);

#endif
