/* SPDX-License-Identifier: BSD-2-Clause */
/* preload.h - a server with a library of preload/ in it, and what they share.
 *
 *     counts = preload_share("T_HEAP", sizeof *counts);
 *     preload_begin("heap");
 *     server_serve(&s);
 *     preload_end();
 */
#ifndef T_LIB_PRELOAD_H
#define T_LIB_PRELOAD_H

#include <stddef.h>

/* n bytes of zeros, shared with those that preload/share.h maps by that
 * variable of the environment, until this process ends. */
void *preload_share(const char *variable, size_t n);
/* Programs that are started from now on have preload/NAME.so in them, which
 * must be built. */
void preload_begin(const char *name);
/* Those that are started from now on have not. */
void preload_end(void);

#endif
