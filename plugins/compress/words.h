/* SPDX-License-Identifier: BSD-2-Clause */
/* words.h - lists: of fields, by commas, and of options, by blanks. */
#ifndef COMPRESS_WORDS_H
#define COMPRESS_WORDS_H

#include <etude.h>

/* What is in front of the first c of *list, or all of it, without blanks at its
 * ends; *list is what is behind it, absent if there is no more. */
et_str words_cut(et_str *list, char c);
/* The next word of *list; n == 0: there is none. */
et_str words_next(et_str *list);
/* Whether a list of response fields of that name has the element, whatever its
 * case. [worker] */
int words_has(const et_req *r, const char *field, const char *element);

#endif
