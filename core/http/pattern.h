/* SPDX-License-Identifier: BSD-2-Clause */
/* pattern.h - what the path of a route or scope may look like.
 *
 *     /static/text     that path and no other
 *     /users/:id       a parameter: one whole segment, never an empty one
 *     /files/ *rest    (without the blank) a tail: all that follows the slash,
 *                      which may be nothing; the last segment only.  It
 *                      matches /files/ and /files/a/b, not /files.  A bare *
 *                      is a tail called "*"
 *     /v1/x\:cancel    a backslash takes the meaning of : * ? # % and \ away
 *
 * Text is compared byte for byte with the normalised path (proto/uri.h), so it
 * is written decoded ("/gr\303\274n", not "/gr%C3%BCn"); only %2F (capitals)
 * stands for itself, as it does in a normalised path.  Text that no normalised
 * path can hold ("..", "%41") is an error.  Parameter names are made of
 * letters, digits, '_' and '-', and differ from each other. */
#ifndef HTTP_PATTERN_H
#define HTTP_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct arena;

enum pattern_kind {
    PATTERN_TEXT,
    PATTERN_PARAM,
    PATTERN_TAIL,
};

struct pattern_segment {
    et_str text; /* unescaped; or the name */
    enum pattern_kind kind;
};

struct pattern {
    et_str text; /* as written */
    et_str path; /* the one path it matches; absent if it has parameters */
    const struct pattern_segment *segments; /* "/" has one, an empty text */
    uint32_t n_segments;
    uint32_t n_params;    /* the tail included */
    const et_str *params; /* their names, from left to right */
};

/* Take text apart into a's memory (the text is copied).  0, ERR_NOMEM, or
 * ERR_INVALID with the reason, NUL-terminated, in why. [control] */
MUST_USE int pattern_parse(struct arena *a, et_str text, struct pattern *out,
                           char *why, size_t cap);

#endif
