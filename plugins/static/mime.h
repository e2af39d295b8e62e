/* SPDX-License-Identifier: BSD-2-Clause */
/* mime.h - media types by the end of a file's name.
 *
 * A line of a table is a type and the ends it is for, "text/html html htm";
 * what follows a # is not read.  The last one that says something about an end
 * counts.  An end may have dots in it ("tar.gz"): the longest counts. */
#ifndef STATIC_MIME_H
#define STATIC_MIME_H

#include <etude.h>

struct mime;

/* The lines of conf/mime.types, as the plugin was built with them. */
extern const char mime_table[] __attribute__((visibility("hidden")));

/* An empty table, or NULL.  Text gets "; charset=" and charset, unless that is
 * empty: text of any kind, XML and JavaScript. [control] */
struct mime *mime_new(et_str charset);
void mime_free(struct mime *m);
/* Read lines: 0, or ET_EINVAL and *line is the number of one that is malformed,
 * or ET_ENOMEM. [control] */
int32_t mime_read(struct mime *m, et_str text, unsigned *line);
/* "text/html", without parameters. [any] */
int mime_is_type(et_str s);
/* The type of a file of that name (without its folder); absent: unknown. [any]
 */
et_str mime_find(const struct mime *m, et_str name);
/* The same type with the charset that it gets; m's memory, or absent. [control]
 */
et_str mime_with_charset(struct mime *m, et_str type);

#endif
