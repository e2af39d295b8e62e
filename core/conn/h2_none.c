/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_none.c - in place of the other h2*.c where nghttp2 is not there; see h2.h.
 * A listener with h2c is refused, so none of this but the first is called. */
#include "conn/conn.h"
#include "conn/h2.h"

int
h2_is_built(void)
{
    return 0;
}

int
h2_sniff(const char *p, size_t n)
{
    (void)p;
    (void)n;
    return 0;
}

int
h2_pool_init(struct env *env, uint32_t max)
{
    (void)env;
    (void)max;
    return 0;
}

void
h2_pool_fini(struct env *env)
{
    (void)env;
}

void
h2_begin(struct conn *c)
{
    conn_close(c);
}

void
h2_turn(struct conn *c)
{
    (void)c;
}

void
h2_input(struct conn *c, const char *p, size_t n)
{
    (void)c;
    (void)p;
    (void)n;
}

void
h2_eof(struct conn *c)
{
    (void)c;
}

void
h2_writable(struct conn *c)
{
    (void)c;
}

uint64_t
h2_due(const struct conn *c)
{
    (void)c;
    return UINT64_MAX;
}

void
h2_timeout(struct conn *c)
{
    (void)c;
}

uint32_t
h2_streams(const struct conn *c)
{
    (void)c;
    return 0;
}

void
h2_leave(struct conn *c)
{
    (void)c;
}

void
h2_retire(struct conn *c, const struct gen_worker *g)
{
    (void)c;
    (void)g;
}

void
h2_cut(struct conn *c)
{
    (void)c;
}

void
h2_rest(struct conn *c)
{
    (void)c;
}

void
h2_free(struct conn *c)
{
    (void)c;
}
