/* SPDX-License-Identifier: BSD-2-Clause */
/* proxied.h - the PROXY protocol header in front of a connection. */
#ifndef CONN_PROXIED_H
#define CONN_PROXIED_H

#include <stddef.h>

struct conn;

/* Read the header at p.  Returns how many bytes it has: then the connection
 * knows its peer and is idle.  0: more bytes are needed, or (a header that is
 * missing or malformed) the connection is closed. [worker] */
size_t proxied_read(struct conn *c, const char *p, size_t n);

#endif
