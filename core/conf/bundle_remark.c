/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_remark.c - see bundle_remark.h. */
#include "conf/bundle_remark.h"

#include "base/err.h"
#include "conf/bundle.h"

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

int
bundle_remark_keep(struct bundle *b, const struct diag *d)
{
    char buf[DIAG_REST_LEN];
    const char *rest = diag_rest(d, buf);
    int rc = 0;

    for (const struct diag_item *i = d->first; i && rc == 0; i = i->next)
        rc = keep(b, i->kind, i->text);
    if (rest && rc == 0)
        rc = keep(b, d->n_errors ? DIAG_ERROR : DIAG_WARNING, rest);
    return rc;
}

static void
tell(const struct bundle_remark *r, struct diag *d)
{
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
