/* SPDX-License-Identifier: BSD-2-Clause */
/* page.h - the page that uploads files, in one piece: it needs nothing else of
 * this server or of any other. */
#ifndef UPLOAD_PAGE_H
#define UPLOAD_PAGE_H

#include <etude.h>

#define PAGE_MAX_BYTES 8192u
#define PAGE_POLICY_MAX_BYTES 512u

struct page {
    char text[PAGE_MAX_BYTES]; /* HTML */
    size_t n;
    /* The value of its Content-Security-Policy: its own style and script by
     * their hashes, and requests to this server. */
    char policy[PAGE_POLICY_MAX_BYTES];
};

/* 0, or ET_ENOMEM: there is no hash, or no room. [control] */
int32_t page_make(struct page *p);

#endif
