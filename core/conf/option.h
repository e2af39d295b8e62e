/* SPDX-License-Identifier: BSD-2-Clause */
/* option.h - a plugin's option table applied to what the ini says.
 *
 * For one instance the layers that may set its options are given, the most
 * specific first: the route's own entries, the innermost scope's, the outer
 * scopes', the [plugin] section's.  For each option the first layer that has
 * its key decides it (a LIST with all its values of that layer); none: the
 * table's default.  The result is the plugin's own struct, filled by offset.
 *
 * Not here: which layers concern a route (http composes them). */
#ifndef CONF_OPTION_H
#define CONF_OPTION_H

#include <stddef.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/diag.h"
#include "conf/conf.h"

/* Whose options: names for messages and the place of what has no line of its
 * own (a required option that is missing, a refusal of check). */
struct option_target {
    et_str instance;     /* only entries of this instance count */
    const char *section; /* "[plugin limit]", or "[route users] limit" */
    struct place at;
    const char *dir; /* absolute: what a relative default path starts from */
};

/* Row i of a table: rows of a plugin built with a newer header are larger than
 * ours, so they stand v[0].size bytes apart. [any] */
const et_opt *option_row(const et_optdef *def, uint32_t i);
/* A row's type in a word, such as "int"; the row is known to be good. [any] */
const char *option_type_name(const et_opt *o);
/* Check a plugin's table itself: known types, offsets inside the struct, keys
 * well-formed, unique and none of [plugin]'s own, defaults and bounds that
 * parse.  def may be NULL.  0, or ERR_INVALID with the reason written to text
 * (cut at cap). [control] */
MUST_USE int option_check_table(const et_optdef *def, char *text, size_t cap);

/* Fill *out, conf_size zeroed bytes from a, from n layers, then call the
 * table's check.  Every fault is in d with its place, section and key; secrets
 * are not shown.  def NULL: *out is NULL and an entry is an error.  The table
 * has passed option_check_table.  Strings in *out live as long as a and are
 * NUL-terminated.  0, ERR_INVALID (see d), or ERR_NOMEM. [control] */
MUST_USE int option_fill(struct arena *a, const et_optdef *def,
                         const struct option_target *t,
                         const struct conf_entries *layers, size_t n,
                         struct diag *d, void **out);

/* A plugin refuses its options with text.  If that begins with the key of one,
 * "path: ...", or of one value of a list, counted from 0, "set[1]: ...", report
 * it in d where the ini has that value, and return 1; else 0.  layers as for
 * option_fill. [control] */
int option_blame(const et_optdef *def, et_str instance,
                 const struct conf_entries *layers, size_t n, const char *text,
                 struct diag *d);

/* What identifies a filled struct: equal bytes mean that an instance made from
 * one serves for the other.  Every option's effective value, and for a PATH
 * its target's (dev, ino, size, mtime, ctime), for one flagged TREE those of
 * everything below it, for one flagged WRITE none.  The bytes are in a and
 * contain secrets: compare or hash them, never print them.  0, ERR_NOMEM, or
 * ERR_LIMIT (a TREE of more than OPTION_MAX_TREE entries or 64 levels).
 * [control] */
#define OPTION_MAX_TREE 100000u
MUST_USE int option_key(struct arena *a, const et_optdef *def,
                        const void *options, et_str *key);

/* The effective value of option i of a filled struct as it would stand in the
 * ini ("10/s", "64k" as bytes), in a; "***" for a secret.  {NULL, 0}: out of
 * memory. [control] */
et_str option_text(struct arena *a, const et_optdef *def, uint32_t i,
                   const void *options);

/* Which options may not be printed: n_rows bytes in a, 1 for those flagged
 * SECRET and those a layer took from ${file:...}.  NULL: out of memory, or no
 * options. [control] */
const uint8_t *option_secrets(struct arena *a, const et_optdef *def,
                              et_str instance,
                              const struct conf_entries *layers, size_t n);

/* True if layers hold an entry for this instance. [any] */
int option_any(et_str instance, const struct conf_entries *layers, size_t n);

#endif
