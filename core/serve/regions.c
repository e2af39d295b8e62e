/* SPDX-License-Identifier: BSD-2-Clause */
/* regions.c - see regions.h. */
#include "serve/regions.h"

#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "os/shared.h"
#include "serve/channel.h"

/* A region as it was found or made. */
struct found {
    struct region *region;
    size_t bytes;
};

/* ---- the supervisor's ----------------------------------------------------*/

/* Takes fd (-1: none was given). */
static struct found
map_given(int fd, const struct region_kind *k)
{
    struct found f = {NULL, 0};
    void *p;
    int rc;

    if (fd < 0)
        return f;
    rc = shared_map(fd, &p, &f.bytes);
    close(fd);
    if (rc < 0) {
        log_warn("%s: the supervisor's cannot be mapped (%s): this process "
                 "starts with none",
                 k->name, strerror(-rc));
        return f;
    }
    if (region_is(p, f.bytes, k)) {
        f.region = p;
        return f;
    }
    log_warn("%s: of another version of this program, or damaged: this process "
             "starts with none",
             k->name);
    region_unmap(p, f.bytes);
    return f;
}

/* Whether the seat is ours on that one, as the supervisor says. */
static int
has_seat(const struct found *f, uint32_t seat)
{
    return f->region && seat < SEATS_MAX &&
           seats_is_taken(&f->region->seats, seat);
}

/* ---- our own -------------------------------------------------------------*/

static struct found
make_own(const struct region_kind *k, uint64_t measure)
{
    struct found f = {region_new(k, measure), k->bytes(measure)};

    if (f.region)
        (void)seats_give(&f.region->seats, 0);
    return f;
}

static int
own_figures(struct regions *r, uint32_t n_lanes)
{
    struct found f = make_own(figures_kind(), n_lanes);

    return f.region &&
                   figures_attach(&r->figures, f.region, f.bytes, 0, n_lanes)
               ? 0
               : ERR_NOMEM;
}

static int
own_vault(struct regions *r, uint64_t store_memory)
{
    struct found f = make_own(vault_kind(), store_memory);

    if (!f.region)
        return ERR_NOMEM;
    vault_attach(&r->vault, f.region, f.bytes, 0);
    return 0;
}

/* ---- both ----------------------------------------------------------------*/

static int
open_figures(struct regions *r, struct found *f, uint32_t seat,
             uint32_t n_lanes)
{
    if (has_seat(f, seat)) {
        if (figures_attach(&r->figures, f->region, f->bytes, seat, n_lanes))
            return 0;
        log_warn("more workers than the supervisor has counters for: this "
                 "process counts from 0");
    }
    region_unmap(f->region, f->bytes);
    return own_figures(r, n_lanes);
}

static int
open_vault(struct regions *r, struct found *f, uint32_t seat,
           uint64_t store_memory)
{
    if (has_seat(f, seat)) {
        vault_attach(&r->vault, f->region, f->bytes, seat);
        return 0;
    }
    region_unmap(f->region, f->bytes);
    return own_vault(r, store_memory);
}

int
regions_open(struct regions *r, struct channel *c, uint64_t store_memory,
             uint32_t n_workers)
{
    struct found stores = map_given(c->memory[CTL_STORES], vault_kind());
    struct found figures = map_given(c->memory[CTL_FIGURES], figures_kind());

    c->memory[CTL_STORES] = c->memory[CTL_FIGURES] = -1;
    *r = (struct regions){0};
    if (open_figures(r, &figures, c->seat, 1 + n_workers) < 0 ||
        open_vault(r, &stores, c->seat, store_memory) < 0)
        return ERR_NOMEM;
    return 0;
}

int
regions_open_dry(struct regions *r)
{
    *r = (struct regions){0};
    return own_figures(r, 2);
}

void
regions_close(struct regions *r)
{
    region_unmap(r->vault.region, r->vault.bytes);
    region_unmap(r->figures.region, r->figures.bytes);
    *r = (struct regions){0};
}
