/* SPDX-License-Identifier: BSD-2-Clause */
/* certificates.h - what is told of the listeners and what they show: in the
 * log, in status, among the figures.
 *
 * Names, kind, end, fingerprint - nothing that is a secret.  Days are whole
 * ones, from now on. */
#ifndef SERVE_CERTIFICATES_H
#define SERVE_CERTIFICATES_H

#include <stdio.h>

#include "abi/etude_abi.h"

struct arena;
struct conf;
struct context;
struct contexts;
struct sockets;

/* Log what a listener shows now, but for the certificates that it has shown
 * before; before may be NULL. [control] */
void certificates_log(const char *listener, const struct context *now,
                      const struct context *before);
/* The listeners as a table, with a blank line in front; as a JSON array.
 * [control] */
void certificates_text(FILE *out, const struct sockets *s);
void certificates_json(FILE *out, const struct sockets *s);
/* When each certificate ends, and by whom each listener's records are made, as
 * lines of figures (http/exposition.h) in a; absent: nobody speaks TLS, or no
 * memory. [control] */
et_str certificates_facts(struct arena *a, const struct conf *conf,
                          const struct contexts *c);

#endif
