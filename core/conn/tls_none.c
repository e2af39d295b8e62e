/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_none.c - in place of tls.c where OpenSSL is not there; see tls.h.  No
 * listener has a context then (core/tls/none.c), so no connection comes here.
 */
#include "conn/tls.h"

const struct io_handler tls_handler = {.on_data = NULL};

void
tls_resume(struct conn *c)
{
    conn_close(c);
}

struct session *
tls_session(const struct conn *c)
{
    (void)c;
    return NULL;
}

int
tls_serves(const struct conn *c, et_str host)
{
    (void)c;
    (void)host;
    return 1;
}

int
tls_is_early(const struct conn *c)
{
    (void)c;
    return 0;
}

et_str
tls_text(const struct conn *c, uint32_t which)
{
    (void)c;
    (void)which;
    return (et_str){NULL, 0};
}
