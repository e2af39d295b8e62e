/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_remark.c - see bundle_remark.h. */
#include "conf/bundle_remark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "conf/bundle.h"

/* What no message begins with. */
#define MORE "\n+"

int
bundle_remark_add(struct bundle *b, enum diag_kind kind, const char *text)
{
    struct bundle_remark *r = arena_alloc(&b->arena, sizeof *r);

    if (!r)
        return ERR_NOMEM;
    *r = (struct bundle_remark){.kind = kind, .text = text};
    *b->last_remark = r;
    b->last_remark = &r->next;
    b->n_remarks++;
    return 0;
}

static int
keep(struct bundle *b, enum diag_kind kind, const char *text)
{
    const char *copy = arena_printf(&b->arena, "%s", text);

    return copy ? bundle_remark_add(b, kind, copy) : ERR_NOMEM;
}

/* Those that are counted only, as a number. */
static int
keep_more(struct bundle *b, const struct diag *d, enum diag_kind kind)
{
    char text[16];

    if (d->share[kind].untold == 0)
        return 0;
    snprintf(text, sizeof text, MORE "%u", d->share[kind].untold);
    return keep(b, kind, text);
}

int
bundle_remark_keep(struct bundle *b, const struct diag *d)
{
    int rc = 0;

    for (const struct diag_item *i = d->first; i && rc == 0; i = i->next)
        rc = keep(b, i->kind, i->text);
    for (int kind = 0; kind < DIAG_KINDS && rc == 0; kind++)
        rc = keep_more(b, d, (enum diag_kind)kind);
    return rc;
}

static void
tell(const struct bundle_remark *r, struct diag *d)
{
    if (strncmp(r->text, MORE, sizeof MORE - 1) == 0) {
        diag_more(d, r->kind, (uint32_t)atoi(r->text + sizeof MORE - 1));
        return;
    }
    switch (r->kind) {
    case DIAG_ERROR: diag_error(d, NULL, "%s", r->text); break;
    case DIAG_WARNING: diag_warn(d, NULL, "%s", r->text); break;
    case DIAG_NOTE: diag_note(d, NULL, "%s", r->text); break;
    }
}

void
bundle_remark_tell(struct bundle *b, struct diag *d)
{
    for (const struct bundle_remark *r = b->remarks; r; r = r->next)
        tell(r, d);
    b->remarks = NULL;
    b->last_remark = &b->remarks;
    b->n_remarks = 0;
}

int
bundle_remark_has_error(const struct bundle *b)
{
    const struct bundle_remark *r = b->remarks;

    while (r && r->kind != DIAG_ERROR)
        r = r->next;
    return r != NULL;
}
