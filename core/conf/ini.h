/* SPDX-License-Identifier: BSD-2-Clause */
/* ini.h - the text of an ini file, line by line, with nothing misread.
 *
 * inih does the reading loop and the `name=value` splitting, but it never sees
 * the file: a reader of ours takes each logical line apart and hands inih
 * stand-ins such as "[s3]" and "k17=17" that it cannot cut, continue or
 * misunderstand.  So none of its limits (200-byte lines, 49-byte names) and
 * none of its conveniences (indented lines continue a value, ':' ends a key,
 * " ;" ends a value inside quotes, empty sections are silent) reaches a user.
 *
 * The language:
 *   [kind name]            a section; one without keys is reported too
 *   key = value            indentation means nothing; ':' never ends a key
 *   ; comment   # comment  a line, or after a blank behind a value or header
 *   "a ; \"b\" \\ c"       quotes keep ';', '#', edge blanks; \" and \\ only.
 *                          Around a whole value they are removed; a pair of
 *                          them further in stays and protects what is inside
 *   key = long \           a backslash at the end of the line goes on with the
 *         value            next one, without its indentation
 * Lines end in LF or CR LF; a byte order mark at the start is skipped; bytes
 * below 0x20 (save tab), 0x7f and what is not UTF-8 are errors. */
#ifndef CONF_INI_H
#define CONF_INI_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/diag.h"

#define INI_MAX_NAME 128u /* bytes of a section header or a key */
#define INI_MAX_VALUE 8192u

/* What a text contains, told in its order.  The texts are valid during the
 * call only. */
struct ini_handler {
    /* A section header; name is what stands between the brackets, trimmed. */
    void (*on_section)(void *arg, et_str name, uint32_t line);
    /* A key of the latest section; value unquoted and joined. */
    void (*on_key)(void *arg, et_str key, et_str value, uint32_t line);
};

/* Read a text.  Faults are reported in d (which may be NULL) at file:line and
 * reading goes on; the keys below a section header that is malformed are not
 * told.  Returns the number of faults, or ERR_NOMEM.  [any] */
MUST_USE int ini_read(et_str text, const char *file, struct diag *d,
                      const struct ini_handler *h, void *arg);

#endif
