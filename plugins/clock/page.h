/* SPDX-License-Identifier: BSD-2-Clause */
/* page.h - the page that shows the time, in one piece: it needs nothing else of
 * this server, but for the events, or of any other. */
#ifndef CLOCK_PAGE_H
#define CLOCK_PAGE_H

/* HTML. */
extern const char page_text[];
/* The value of its Content-Security-Policy: its own style and script by their
 * hashes, and requests to this server. */
extern const char page_policy[];

#endif
