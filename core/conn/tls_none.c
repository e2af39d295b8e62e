/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_none.c - in place of tls.c where OpenSSL is not there; see tls.h.  No
 * listener has a context then (core/tls/none.c), so no connection comes here.
 */
#include "conn/tls.h"

#include "base/err.h"

const struct io_handler tls_handler = {.on_data = NULL};

int
tls_open(struct conn *c, const char *p, size_t n)
{
    (void)p;
    (void)n;
    conn_close(c);
    return ERR_NOMEM;
}

int
tls_keep(struct conn *c)
{
    (void)c;
    return 0;
}

void
tls_run(struct conn *c)
{
    conn_close(c);
}

const struct session *
tls_session(const struct conn *c)
{
    (void)c;
    return NULL;
}
