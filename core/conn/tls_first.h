/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_first.h - what comes on a connection of a TLS listener before it has a
 * session: a PROXY header, a request in plain, which is told so, or the first
 * bytes of TLS, with which the session begins (tls.h).  Until then it is its
 * slot, as a plain connection is. */
#ifndef CONN_TLS_FIRST_H
#define CONN_TLS_FIRST_H

#include <stddef.h>

struct conn;

/* n > 0 bytes at p have come on c (tls_is_before), and stay until this returns.
 * [worker] */
void tls_first_input(struct conn *c, const char *p, size_t n);
/* The same with those that c has kept. [worker] */
void tls_first_resume(struct conn *c);

#endif
