/* SPDX-License-Identifier: BSD-2-Clause */
/* reference.h - conf/README.md, printed from the tables.
 *
 * What conf/README.md says is what this prints: t/unit/conf/reference.c holds
 * the two equal.  After a change of directive.c print it anew:
 * build/etude --print-reference >conf/README.md */
#ifndef CONF_REFERENCE_H
#define CONF_REFERENCE_H

#include <stdio.h>

/* The directive reference as Markdown.  The caller checks ferror(f). [any] */
void reference_print(FILE *f);

#endif
