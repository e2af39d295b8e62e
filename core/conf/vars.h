/* SPDX-License-Identifier: BSD-2-Clause */
/* vars.h - ${NAME}, ${NAME:-default} and ${file:/path} in values.
 *
 * Two steps, so that what a value means is fixed once: capture looks up what a
 * value mentions, in the environment given and on the disk, and remembers it;
 * expand replaces from what was captured and touches neither.
 *
 *   ${NAME}           must be set; may be empty
 *   ${NAME:-default}  default if unset or empty; may contain ${...} itself
 *   ${file:PATH}      the file's bytes, one newline at its end cut; PATH may
 *                     contain $NAME and ${NAME}.  Always secret.  Not a FIFO
 *                     (file_read)
 *   $${               the two bytes "${" */
#ifndef CONF_VARS_H
#define CONF_VARS_H

#include <stddef.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"

#define VARS_MAX_FILE_BYTES 8192u
#define VARS_MAX_DEPTH 8 /* of ${A:-${B:-...}} */

struct var {
    et_str name;     /* "NAME" or "file:/absolute/path" */
    et_str value;    /* p == NULL: not set, or not readable */
    const char *why; /* a file that could not be read: the reason */
    int is_secret;
};

struct vars {
    struct arena *arena; /* owns v and all texts */
    struct var *v;       /* each name once */
    size_t n, cap;
};

/* Nothing captured yet; arena outlives vars. [control] */
void vars_init(struct vars *t, struct arena *arena);
/* Remember what every ${...} of value stands for now.  env is NULL-terminated
 * "NAME=value"; dir is where a relative file path starts.  Malformed text is
 * passed over: expand complains.  0 or ERR_NOMEM. [control] */
MUST_USE int vars_capture(struct vars *t, char *const *env, const char *dir,
                          et_str value);
/* Remember one variable by name. [control] */
MUST_USE int vars_capture_name(struct vars *t, char *const *env, et_str name);
/* One more row, from elsewhere; v's texts are kept and live as long as t.  0 or
 * ERR_NOMEM. [control] */
MUST_USE int vars_add(struct vars *t, const struct var *v);
/* The captured variable called name, or NULL. [control] */
const struct var *vars_find(const struct vars *t, et_str name);
/* value with every ${...} replaced, copied to a and NUL-terminated.
 * *is_secret is set to 1 if a secret went into it, else left alone.  0,
 * ERR_NOMEM, or ERR_INVALID with the reason in why. [control] */
MUST_USE int vars_expand(const struct vars *t, const char *dir, struct arena *a,
                         et_str value, et_str *out, int *is_secret, char *why,
                         size_t why_cap);
/* What env says of name; NULL if nothing. [any] */
const char *vars_env(char *const *env, et_str name);

#endif
