/* SPDX-License-Identifier: BSD-2-Clause */
/* page.h - the page one chats on, in one piece: it needs nothing else of this
 * server, but for the WebSocket, or of any other. */
#ifndef CHAT_PAGE_H
#define CHAT_PAGE_H

/* HTML. */
extern const char page_text[];
/* The value of its Content-Security-Policy: its own style and script by their
 * hashes, and connections to this server. */
extern const char page_policy[];

#endif
