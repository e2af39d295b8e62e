/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_calm.c - see h2_calm.h. */
#include "conn/h2_calm.h"

/* What something useful is worth: a request has a few frames around it. */
#define FRAMES_EACH 8u

void
h2_calm_init(struct h2_calm *k, uint64_t now_ms)
{
    *k = (struct h2_calm){now_ms, H2_CALM_FRAMES, H2_CALM_RESETS};
}

static void
add(uint32_t *purse, uint64_t n, uint32_t size)
{
    *purse = n >= size - *purse ? size : *purse + (uint32_t)n;
}

static void
refill(struct h2_calm *k, uint64_t now_ms)
{
    const uint64_t step_ms = H2_CALM_REFILL_MS / H2_CALM_RESETS;
    uint64_t steps = (now_ms - k->at_ms) / step_ms;

    k->at_ms += steps * step_ms;
    add(&k->resets, steps, H2_CALM_RESETS);
    add(&k->frames, steps * (H2_CALM_FRAMES / H2_CALM_RESETS), H2_CALM_FRAMES);
}

static int
take(uint32_t *purse)
{
    if (*purse == 0)
        return -1;
    --*purse;
    return 0;
}

int
h2_calm_frame(struct h2_calm *k, uint64_t now_ms)
{
    refill(k, now_ms);
    return take(&k->frames);
}

int
h2_calm_reset(struct h2_calm *k, uint64_t now_ms)
{
    refill(k, now_ms);
    return take(&k->resets);
}

void
h2_calm_useful(struct h2_calm *k)
{
    add(&k->frames, FRAMES_EACH, H2_CALM_FRAMES);
    add(&k->resets, 1, H2_CALM_RESETS);
}
