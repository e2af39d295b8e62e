/* SPDX-License-Identifier: BSD-2-Clause */
/* figures.c - see figures.h. */
#include "base/figures.h"

#include <string.h>

#include "base/hash.h"

#define MAGIC UINT64_C(0x65747564652d6669) /* "etude-fi" */
#define FORMAT 1u

enum { WORD_GENERATION, WORD_TOTALS, WORD_GAUGES }; /* cells in use */

/* ---- memory --------------------------------------------------------------*/

static size_t
aligned(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static size_t
own_bytes(uint64_t n_lanes)
{
    return SEATS_MAX * n_lanes * sizeof(struct metrics);
}

static size_t
series_at(uint64_t n_lanes)
{
    return REGION_HEAD_BYTES + aligned(own_bytes(n_lanes));
}

static size_t
cells_at(uint64_t n_lanes)
{
    return series_at(n_lanes) + aligned(shelf_bytes(FIGURES_SERIES, 0));
}

static size_t
bytes_of(uint64_t n_lanes)
{
    return cells_at(n_lanes) +
           SEATS_MAX * n_lanes * FIGURES_CELLS * sizeof(int64_t);
}

/* A build with other rows in its table has another format. */
static uint64_t
format(void)
{
    uint64_t h = FORMAT;

    for (uint32_t i = 0; i < METRIC_COUNT; i++) {
        const char *name = metrics_name((enum metric)i);
        h = hash_bytes(name, strlen(name), h);
    }
    return h;
}

const struct region_kind *
figures_kind(void)
{
    static struct region_kind kind = {
        .name = "etude-figures",
        .magic = MAGIC,
        .bytes = bytes_of,
    };

    if (kind.format == 0)
        kind.format = format();
    return &kind;
}

static struct metrics *
block(const struct figures *f, uint32_t seat, uint32_t lane)
{
    CHECK(seat < SEATS_MAX && lane < f->n_lanes);
    return &f->own[(size_t)seat * f->n_lanes + lane];
}

/* How many lanes of a seat have been used. */
static uint32_t
lanes_of(const struct figures *f, uint32_t seat)
{
    const uint32_t n = seats_lanes(&f->region->seats, seat);

    return n < f->n_lanes ? n : f->n_lanes;
}

static _Atomic int64_t *
cell(const struct figures *f, uint32_t seat, uint32_t lane, uint32_t place)
{
    CHECK(seat < SEATS_MAX && lane < f->n_lanes && place < FIGURES_CELLS);
    return f->cells + ((size_t)seat * f->n_lanes + lane) * FIGURES_CELLS +
           place;
}

_Atomic int64_t *
figures_cell(const struct figures *f, uint32_t lane, uint32_t place)
{
    return cell(f, f->seat, lane, place);
}

void
figures_zero(const struct figures *f, uint32_t place)
{
    for (uint32_t lane = 0; lane < lanes_of(f, f->seat); lane++)
        atomic_store_explicit(figures_cell(f, lane, place), 0,
                              memory_order_relaxed);
}

static int
is_of_the_living(enum metric id)
{
    const enum metric_kind kind = metrics_kind(id);

    return kind == METRIC_GAUGE || kind == METRIC_LATEST;
}

/* Gauges of whoever had this seat before say nothing any more. */
static void
begin_anew(const struct figures *f)
{
    const uint64_t n = atomic_load(&f->region->words[WORD_GAUGES]);

    for (uint32_t lane = 0; lane < lanes_of(f, f->seat); lane++) {
        struct metrics *m = block(f, f->seat, lane);
        for (uint32_t i = 0; i < METRIC_COUNT; i++) {
            if (is_of_the_living((enum metric)i))
                metrics_set(m, (enum metric)i, 0);
        }
    }
    for (uint64_t i = 1; i <= n && i <= FIGURES_CELLS; i++)
        figures_zero(f, (uint32_t)(FIGURES_CELLS - i));
}

int
figures_attach(struct figures *f, struct region *r, size_t bytes, uint32_t seat,
               uint32_t n_lanes)
{
    char *at = (char *)r;
    const uint64_t room = r->measure;

    CHECK(bytes_of(room) == bytes && seat < SEATS_MAX);
    if (n_lanes > room || room > UINT32_MAX)
        return 0;
    *f = (struct figures){
        .region = r, .bytes = bytes, .seat = seat, .n_lanes = (uint32_t)room};
    f->own = (struct metrics *)(void *)(at + REGION_HEAD_BYTES);
    f->cells = (_Atomic int64_t *)(void *)(at + cells_at(room));
    shelf_attach(&f->series, at + series_at(room), FIGURES_SERIES, 0,
                 &r->seats);
    seats_set_lanes(&r->seats, seat, n_lanes);
    begin_anew(f);
    seats_begin(&r->seats, seat);
    return 1;
}

/* ---- the server's own ----------------------------------------------------*/

struct metrics *
figures_own(const struct figures *f, uint32_t lane)
{
    return block(f, f->seat, lane);
}

/* Whether what this seat's lanes say counts, in a figure of that kind. */
static int
counts(const struct figures *f, uint32_t seat, int is_live)
{
    return !is_live || seats_has_begun(&f->region->seats, seat);
}

uint64_t
figures_total(const struct figures *f, enum metric id)
{
    const int is_live = is_of_the_living(id);
    uint64_t total = 0;

    for (uint32_t seat = 0; seat < SEATS_MAX; seat++) {
        const uint32_t n = counts(f, seat, is_live) ? lanes_of(f, seat) : 0;
        for (uint32_t lane = 0; lane < n; lane++) {
            const uint64_t v = metrics_get(block(f, seat, lane), id);
            if (metrics_kind(id) != METRIC_LATEST)
                total += v;
            else if (v > total)
                total = v;
        }
    }
    return total;
}

/* ---- plugins' ------------------------------------------------------------*/

static uint32_t
checked(uint64_t place, uint32_t n)
{
    return place < FIGURES_CELLS && n <= FIGURES_CELLS - place ? (uint32_t)place
                                                               : FIGURES_NONE;
}

/* n cells that nobody has had.  Totals and gauges may not meet. */
static uint32_t
take_cells(const struct figures *f, uint32_t n, int is_gauge)
{
    _Atomic uint64_t *words = f->region->words;
    _Atomic uint64_t *of_kind = &words[is_gauge ? WORD_GAUGES : WORD_TOTALS];
    const uint64_t before = atomic_fetch_add(of_kind, n);
    const uint64_t totals = atomic_load(&words[WORD_TOTALS]);
    const uint64_t gauges = atomic_load(&words[WORD_GAUGES]);

    if (totals <= FIGURES_CELLS && gauges <= FIGURES_CELLS - totals)
        return (uint32_t)(is_gauge ? FIGURES_CELLS - before - n : before);
    atomic_fetch_sub(of_kind, n);
    return FIGURES_NONE;
}

uint32_t
figures_place(const struct figures *f, const struct shelf_name *name,
              uint32_t n, int is_gauge)
{
    struct shelf_hand hand = {.owner = seats_name(&f->region->seats, f->seat)};
    struct shelf_entry e = {.name = *name};
    struct shelf_view v;
    uint32_t place;

    if (!shelf_find(&f->series, name, &v)) {
        place = take_cells(f, n, is_gauge);
        e.value = place;
        if (place == FIGURES_NONE || shelf_make(&f->series, &hand, &e, &v) < 0)
            return FIGURES_NONE;
    }
    return checked(v.value, n);
}

int64_t
figures_sum(const struct figures *f, uint32_t place, int is_gauge)
{
    uint64_t sum = 0;

    for (uint32_t seat = 0; seat < SEATS_MAX; seat++) {
        const uint32_t n = counts(f, seat, is_gauge) ? lanes_of(f, seat) : 0;
        for (uint32_t lane = 0; lane < n; lane++)
            sum += (uint64_t)atomic_load_explicit(cell(f, seat, lane, place),
                                                  memory_order_relaxed);
    }
    return (int64_t)sum;
}

/* ---- generations ---------------------------------------------------------*/

uint64_t
figures_last_generation(const struct figures *f)
{
    return atomic_load(&f->region->words[WORD_GENERATION]);
}

void
figures_note_generation(const struct figures *f, uint64_t id)
{
    _Atomic uint64_t *last = &f->region->words[WORD_GENERATION];
    uint64_t was = atomic_load(last);

    while (was < id && !atomic_compare_exchange_weak(last, &was, id))
        continue;
}
