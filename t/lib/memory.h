/* SPDX-License-Identifier: BSD-2-Clause */
/* memory.h - what outlives a server process, for tests that have no other
 * process: a vault and figures of their own, on seat 0.
 *
 * Each is unmapped with memory_end_*, or with the test.  For unit tests that
 * link libcore. */
#ifndef T_LIB_MEMORY_H
#define T_LIB_MEMORY_H

#include "base/figures.h"
#include "base/vault.h"
#include "t/lib/unit.h"

static inline struct region *
memory_new(const struct region_kind *k, uint64_t measure)
{
    struct region *r = region_new(k, measure);

    ck_assert_ptr_nonnull(r);
    ck_assert_uint_ne(seats_give(&r->seats, 0), SEATS_NONE);
    return r;
}

/* Figures of so many workers. */
static inline struct figures
memory_figures(uint32_t n_workers)
{
    const struct region_kind *k = figures_kind();
    struct figures f;

    ck_assert(figures_attach(&f, memory_new(k, n_workers + 1),
                             k->bytes(n_workers + 1), 0, n_workers + 1));
    return f;
}

/* Stores of so many bytes, at *v: it may not move. */
static inline void
memory_vault(struct vault *v, uint64_t bytes)
{
    const struct region_kind *k = vault_kind();

    vault_attach(v, memory_new(k, bytes), k->bytes(bytes), 0);
}

static inline void
memory_end_figures(const struct figures *f)
{
    region_unmap(f->region, f->bytes);
}

static inline void
memory_end_vault(const struct vault *v)
{
    region_unmap(v->region, v->bytes);
}

#endif
