/* SPDX-License-Identifier: BSD-2-Clause */
/* words.h - lists: of fields, by commas, and of options, by blanks. */
#ifndef COMPRESS_WORDS_H
#define COMPRESS_WORDS_H

#include <etude.h>

/* The next word of *list; n == 0: there is none. */
et_str words_next(et_str *list);
/* Whether a list of response fields of that name has the element, whatever its
 * case. [worker] */
int words_has(const et_req *r, const char *field, const char *element);

#endif
