/* SPDX-License-Identifier: BSD-2-Clause */
/* directive.h - every key the server itself knows, one row each.
 *
 * The parser (conf.c), the environment overrides (ETUDE_MAX_BODY), the check of
 * what a reload may change and the reference (conf/README.md) all come from
 * these rows. */
#ifndef CONF_DIRECTIVE_H
#define CONF_DIRECTIVE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "conf/value.h"

/* When a changed value takes effect. */
enum directive_reload {
    DIRECTIVE_LIVE,     /* at the next reload, in the running process */
    DIRECTIVE_LISTENER, /* at the next reload, as a new listener */
    DIRECTIVE_PROCESS,  /* another server process; without a supervisor: as */
    DIRECTIVE_RESTART,  /* not by a reload */
};

struct directive {
    const char *name;
    struct value_spec spec;
    uint32_t off;       /* of the field in the section's struct */
    uint32_t place_off; /* of a struct place in it; 0: none */
    enum directive_reload reload;
    int may_repeat;
    int is_required;
    int is_read;         /* a path: what the file holds is in the bundle */
    const char *dflt;    /* as it would stand in the ini; NULL: zeros */
    const char *example; /* reference: shown for a default that depends on
                            the installation, or for one without default */
    const char *help;    /* one line, no final stop */
};

enum directive_kind {
    DIRECTIVE_SERVER,
    DIRECTIVE_LISTEN,
    DIRECTIVE_ROUTE,
    DIRECTIVE_SCOPE,
    DIRECTIVE_PLUGIN,
    DIRECTIVE_KINDS
};

struct directive_section {
    const char *kind; /* "route" of [route users] */
    int is_named;
    int has_options; /* INSTANCE.option, or (plugin) the plugin's own keys */
    const struct directive *rows;
    size_t n;
    const char *help;
};

/* By enum directive_kind. */
extern const struct directive_section directive_sections[DIRECTIVE_KINDS];

/* The row of a section called name, or NULL. [any] */
const struct directive *directive_find(enum directive_kind kind, et_str name);
/* The row of [server] that an environment variable called name takes the place
 * of: ETUDE_MAX_BODY is max_body, ETUDE_TLS_TICKET_KEYS tls.ticket_keys.  NULL:
 * none. [any] */
const struct directive *directive_of_variable(et_str name);
/* The known key closest to name, to suggest it; or NULL. [any] */
const char *directive_nearest(enum directive_kind kind, et_str name);
/* The kind of section called name ("route"), or -1. [any] */
int directive_kind(et_str name);
/* True if a route's or scope's key has this name, so that no instance may: the
 * meaning of NAME.option would hang on a dot. [any] */
int directive_is_reserved(et_str name);
/* The modules folder: that of the source tree the running binary stands in,
 * else the installed one.  Absolute. [any] */
const char *directive_modules_dir(void);
/* The source tree the running binary stands in; NULL if it was moved out or
 * installed. [any] */
const char *directive_tree(void);

#endif
