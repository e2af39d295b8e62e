/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_outage.c - see bundle_outage.h. */
#include "conf/bundle_outage.h"

#include <string.h>

#include "base/err.h"
#include "conf/bundle.h"

int
bundle_outage_add(struct bundle *b, const struct bundle_outage *o)
{
    struct bundle_outage *copy, **last = &b->outages;

    if (bundle_outage_find(b, o->section))
        return ERR_INVALID;
    if (b->n_outages == BUNDLE_OUTAGE_MAX)
        return ERR_LIMIT;
    copy = arena_alloc(&b->arena, sizeof *copy);
    if (!copy)
        return ERR_NOMEM;
    *copy = *o;
    copy->next = NULL;
    while (*last) /* in the order in which they came, also in a dump */
        last = &(*last)->next;
    *last = copy;
    b->n_outages++;
    return 0;
}

int
bundle_outage_note(struct bundle *b, const char *section, const char *why,
                   int is_loadable)
{
    const struct bundle_outage o = {
        .section = arena_printf(&b->arena, "%s", section),
        .why = arena_printf(&b->arena, "%s", why),
        .is_loadable = is_loadable,
    };

    return o.section && o.why ? bundle_outage_add(b, &o) : ERR_NOMEM;
}

const struct bundle_outage *
bundle_outage_find(const struct bundle *b, const char *section)
{
    const struct bundle_outage *o = b->outages;

    while (o && strcmp(o->section, section) != 0)
        o = o->next;
    return o;
}
