/* SPDX-License-Identifier: BSD-2-Clause */
/* text.c - see text.h. */
#include "plug/text.h"

#include <stdio.h>

#include "plug/image.h"
#include "plug/symbols.h"

static struct text rows[TEXT_MAX];
static _Atomic uint32_t n_rows; /* in use at some time */

static struct text *
free_row(void)
{
    uint32_t n = atomic_load(&n_rows);

    for (uint32_t i = 0; i < n; i++) {
        if (atomic_load(&rows[i].start) == 0)
            return &rows[i];
    }
    return n < TEXT_MAX ? &rows[n] : NULL;
}

void
text_add(const struct image *img)
{
    struct text *t = img->code_start ? free_row() : NULL;

    if (!t)
        return;
    t->end = img->code_end;
    t->base = img->base;
    t->image = img;
    t->symbols = img->symbols;
    snprintf(t->name, sizeof t->name, "%s", img->name);
    snprintf(t->id, sizeof t->id, "%s", img->note.id);
    snprintf(t->version, sizeof t->version, "%s", img->note.version);
    snprintf(t->build_id, sizeof t->build_id, "%s", img->build_id);
    snprintf(t->hash, sizeof t->hash, "%s", img->hash_hex);
    atomic_store(&t->start, img->code_start);
    if (t == &rows[atomic_load(&n_rows)])
        atomic_fetch_add(&n_rows, 1);
}

const struct text *
text_of(const struct image *img)
{
    uint32_t n = atomic_load(&n_rows);

    for (uint32_t i = 0; i < n; i++) {
        if (atomic_load(&rows[i].start) != 0 && rows[i].image == img)
            return &rows[i];
    }
    return NULL;
}

void
text_remove(const struct image *img)
{
    struct text *t = (struct text *)(uintptr_t)text_of(img);

    if (t)
        atomic_store(&t->start, 0);
}

const struct text *
text_find(uintptr_t pc)
{
    uint32_t n = atomic_load(&n_rows);

    for (uint32_t i = 0; i < n; i++) {
        uintptr_t start = atomic_load(&rows[i].start);
        if (start != 0 && pc >= start && pc < rows[i].end)
            return &rows[i];
    }
    return NULL;
}

const char *
text_function(const struct text *t, uintptr_t pc, uint64_t *off)
{
    return symbols_find(t->symbols, pc - t->base, off);
}
