/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_out.h - what goes out of a connection over TLS.
 *
 *     text -> out_vec, out_file -> session -> its output -> one send -> kernel
 *
 * A send of text is over when all of the output is with the kernel: so what the
 * session has to say of its own (tickets, alerts, new keys) goes with it, and
 * the connection's deadlines hold for both.
 *
 * Where the kernel makes the records text goes to it as it is, once the
 * handshake's bytes and the keys have gone; what else the session says is
 * handed over by hand. */
#ifndef CONN_TLS_OUT_H
#define CONN_TLS_OUT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/check.h"

struct conn;
struct io_send;
struct io_source;
struct tls;

/* As transport.h has them. [worker] */
ssize_t tls_out_vec(struct conn *c, struct io_send *op);
ssize_t tls_out_file(struct conn *c, int fd, uint64_t off, uint64_t n);
/* As io.h has it: n bytes have gone, or -errno. [worker] */
void tls_out_sent(struct io_source *s, ssize_t n);

/* Have what the session says go: 0: it has; IO_PENDING: it is on its way; or
 * -errno. [worker] */
MUST_USE ssize_t tls_out_push(struct tls *t);
/* The same at once, as far as the socket takes it: 0: all of it has gone, or
 * -errno. [worker] */
ssize_t tls_out_push_now(struct tls *t);
/* Some of that has not gone yet. [worker] */
int tls_out_has_bytes(const struct tls *t);
/* What could not go when it was given goes now, if there is any; the connection
 * may be closed by that. [worker] */
void tls_out_go_on(struct tls *t);
/* What is on its way is forgotten, which the kernel has let go of. [worker] */
void tls_out_drop(struct tls *t);

#endif
