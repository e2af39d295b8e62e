/* SPDX-License-Identifier: BSD-2-Clause */
/* curler.h - libcurl over the transport of this run (transport.h). */
#ifndef T_LIB_CURLER_H
#define T_LIB_CURLER_H

#include <curl/curl.h>
#include <stdint.h>

/* CURLOPT_BUFFERSIZE for HTTP/2.  libcurl 7.88 reads 32 KiB of frames at once;
 * when its caller's buffer is full before they are worked off, and they are the
 * last, it waits for more from the socket for ever. */
#define CURLER_BUFFER (64L << 10)

/* A handle that speaks it, to servers that have made their certificates
 * themselves, and gives up after half a minute; curl_easy_cleanup is for the
 * caller. */
CURL *curler_new(void);
/* What it asks for next: of a server of this machine, path with its query. */
void curler_target(CURL *c, uint16_t port, const char *path);

#endif
