/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_calm.c - see h2_calm.h. */
#include "conn/h2_calm.h"

/* What something useful is worth: a request has a few frames around it. */
#define FRAMES_EACH 8u
/* What a message is: the windows of its stream and of the connection. */
#define UPDATES_EACH 2u

void
h2_calm_init(struct h2_calm *k, uint64_t now_ms)
{
    *k = (struct h2_calm){now_ms, H2_CALM_FRAMES, H2_CALM_RESETS, 0};
}

static void
add(uint16_t *purse, uint64_t n, uint16_t size)
{
    *purse = (uint16_t)(n >= (uint64_t)(size - *purse) ? size : *purse + n);
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
take(uint16_t *purse)
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

int
h2_calm_update(struct h2_calm *k, uint64_t now_ms)
{
    return take(&k->updates) == 0 ? 0 : h2_calm_frame(k, now_ms);
}

void
h2_calm_useful(struct h2_calm *k)
{
    add(&k->frames, FRAMES_EACH, H2_CALM_FRAMES);
    add(&k->resets, 1, H2_CALM_RESETS);
}

void
h2_calm_message(struct h2_calm *k, uint32_t n)
{
    add(&k->updates, (uint64_t)UPDATES_EACH * n, H2_CALM_UPDATES);
}
