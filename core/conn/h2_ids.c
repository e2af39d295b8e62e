/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_ids.c - see h2_ids.h. */
#include "conn/h2_ids.h"

#include "base/check.h"

void
h2_ids_use(struct h2_ids *ids, int32_t id)
{
    int32_t next;

    CHECK(id > ids->top);
    next = ids->top ? ids->top + 2 : 1;
    if (UNLIKELY(id > next)) {
        ids->gaps[ids->n % H2_IDS_GAPS].from = next;
        ids->gaps[ids->n % H2_IDS_GAPS].to = id - 2;
        ids->n++;
    }
    ids->top = id;
}

int
h2_ids_is_gap(const struct h2_ids *ids, int32_t id)
{
    for (unsigned i = 0; i < H2_IDS_GAPS; i++) {
        if (id >= ids->gaps[i].from && id <= ids->gaps[i].to)
            return 1;
    }
    return 0;
}
