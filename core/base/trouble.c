/* SPDX-License-Identifier: BSD-2-Clause */
/* trouble.c - say once what is short; see trouble.h. */
#include "base/trouble.h"

int
trouble_begin(struct trouble *t, uint64_t now_ms)
{
    if (t->is_on)
        return 0;
    t->is_on = 1;
    if (now_ms < t->quiet_until_ms)
        return 0;
    t->quiet_until_ms = now_ms + TROUBLE_QUIET_MS;
    t->is_said = 1;
    return 1;
}

int
trouble_end(struct trouble *t)
{
    int is_said = t->is_said;

    t->is_on = t->is_said = 0;
    return is_said;
}
