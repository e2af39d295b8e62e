/* SPDX-License-Identifier: BSD-2-Clause */
/* listing.h - what is in a folder, as a page or as JSON. */
#ifndef STATIC_LISTING_H
#define STATIC_LISTING_H

#include <etude.h>

struct site;

struct listing {
    const struct site *site;
    const char *path; /* of the folder, relative to the root, NUL-terminated,
                         "." for the root itself */
    et_str url;       /* as the client knows it, decoded: "/files/" */
    int is_json, has_parent;
    /* what comes of it: */
    int err;    /* 0, or an errno */
    char *text; /* malloc'ed; NULL: none */
    size_t n;
};

/* Read the folder and make the text; 0. It may wait: for a thread of the pool;
 * arg is a struct listing. */
int32_t listing_make(void *arg);

#endif
