/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle.h - everything a configuration is made from, in memory.
 *
 * A bundle holds all ini texts after include and overlay, in the order in which
 * they are read, and the values of all ${...} they mention.  Files and the
 * process environment are one way to fill it; once filled it is all that conf
 * reads, so parsing it twice gives the same result whatever has happened to the
 * disk or the environment since.  What the texts mean is conf's business: here
 * they are only scanned for `include` of [server] and for ${...}.
 *
 *   files[0]      the main file           layer 0
 *   files[..]     what it includes        layer 0
 *   files[..]     the overlay, includes   layer 1: replaces keys of layer 0
 *
 * Invariants: n_files >= 1; layers never decrease; secrets are not printed. */
#ifndef CONF_BUNDLE_H
#define CONF_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/diag.h"
#include "conf/vars.h"

#define BUNDLE_MAX_FILES 4096u
#define BUNDLE_MAX_FILE_BYTES (16u << 20)
#define BUNDLE_MAX_BYTES (64u << 20)

enum bundle_layer {
    BUNDLE_BASE,    /* the main file and what it includes */
    BUNDLE_OVERLAY, /* NAME.$ETUDE_ENV.ini beside it and what that includes */
};

struct bundle_file {
    const char *name; /* as messages show it: "conf/etude.ini" */
    const char *dir;  /* absolute: what relative paths in it start from */
    et_str text;
    enum bundle_layer layer;
};

struct bundle {
    struct arena arena; /* owns everything below */
    const char *cwd;    /* absolute; relative paths of ETUDE_* start here */
    struct bundle_file *files;
    size_t n_files, cap_files;
    struct vars vars; /* every ${...} mentioned, every ETUDE_* variable, and
                         RUNTIME_DIRECTORY */
    size_t bytes;     /* of all texts */
};

/* Read the file at path, what it includes and its overlay.  env is a NULL-
 * terminated array of "NAME=value" (environ).  NULL only if the main file
 * cannot be read or memory is short; other errors (an include that names no
 * file, a cycle) are in d too, and the bundle holds what could be read, so that
 * conf_parse can report the rest.  Give it back with bundle_free. [control] */
MUST_USE struct bundle *bundle_from_files(const char *path, char *const *env,
                                          struct diag *d);

/* A bundle of n texts given by the caller, which are copied; `include` is not
 * followed, ${file:...} is read.  NULL without memory. [control] */
MUST_USE struct bundle *bundle_from_memory(const struct bundle_file *files,
                                           size_t n, char *const *env,
                                           struct diag *d);

/* [control] */
void bundle_free(struct bundle *b);

/* A captured environment variable by name ("ETUDE_WORKERS"); NULL if it is not
 * set. [control] */
const char *bundle_env(const struct bundle *b, const char *name);

#endif
