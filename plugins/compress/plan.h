/* SPDX-License-Identifier: BSD-2-Clause */
/* plan.h - the options, taken apart once when an instance is opened. */
#ifndef COMPRESS_PLAN_H
#define COMPRESS_PLAN_H

#include <etude.h>

#include "coder.h"

struct options {
    et_str codings, types;
    int64_t min_size;
    int64_t br_level, zstd_level, gzip_level;
    int64_t window, slice, whole;
    int64_t contexts, spare;
};

struct plan {
    const struct options *o;
    enum coding order[CODINGS]; /* those that are offered, best liked first */
    size_t n_codings;
    et_str *types; /* "text/html", "text/ *", "*+json" (without the blank) */
    size_t n_types;
    int bits; /* of window */
};

/* As ET_INSTANCE has them. [control] */
int32_t plan_open(et_conf *c, const void *options, void *inst, et_err *e);
void plan_close(void *inst);
/* Whether a media type, with or without parameters, is one of types. */
int plan_has_type(const struct plan *p, et_str type);

#endif
