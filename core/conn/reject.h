/* SPDX-License-Identifier: BSD-2-Clause */
/* reject.h - a client that cannot be served is told so, by its socket alone. */
#ifndef CONN_REJECT_H
#define CONN_REJECT_H

/* Answer 503 with Retry-After and shut our side. [any] */
void reject_say(int fd);
/* The same, and close fd. [any] */
void reject(int fd);

#endif
