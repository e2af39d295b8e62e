/* SPDX-License-Identifier: BSD-2-Clause */
/* pause.c - see pause.h. */
#include "http/pause.h"

#include "http/chain.h"
#include "http/req.h"

int
pause_begin(struct req *r, const struct pause_kind *kind)
{
    struct pause *p = &r->pause;

    if (r->has_pause && p->is_closed)
        return 0;
    if (r->has_pause && p->held)
        p->kind = kind;
    else if (!r->has_pause || p->kind != kind)
        *p = (struct pause){.kind = kind};
    r->has_pause = 1;
    return 1;
}

void
pause_retire(struct req *r)
{
    if (r->has_pause && r->pause.state == PAUSE_WAITS && !r->pause.is_closed)
        r->pause.kind->retire(r);
}

int
pause_abandon(struct req *r, int32_t why)
{
    r->pause.is_closed = 1;
    return r->pause.kind->abandon(r, why) && chain_refuse(r);
}

int
pause_stray(struct req *r)
{
    if (r->pause.state != PAUSE_OFF && chain_resume(r) == CHAIN_WAIT)
        return 0;
    return chain_refuse(r);
}
