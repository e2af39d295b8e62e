/* SPDX-License-Identifier: BSD-2-Clause */
/* line.c - see line.h. */
#include "line.h"

/* Nobody is at work: the first one is called, unless it has been. */
static void
call(struct line *l, const et_req *r)
{
    struct place *p = l->first;
    if (!p || !p->token)
        return;
    (void)et_resume(r->worker->async, p->token, 0);
    p->token = 0;
}

static void
put(struct line *l, struct place *p)
{
    if (!l->first)
        l->end = &l->first;
    if (p->taken > 0) {
        p->next = l->first;
        l->first = p;
    } else {
        p->next = NULL;
        *l->end = p;
    }
    if (!p->next)
        l->end = &p->next;
}

static void
take_out(struct line *l, struct place *p)
{
    struct place **at = &l->first;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    if (!p->next)
        l->end = at;
}

/* Until nobody is at work, and p is next. */
static int32_t
wait(struct line *l, struct place *p, et_req *r)
{
    int32_t rc;
    put(l, p);
    do {
        p->token = et_arm(r);
        rc = p->token ? et_await(r, UINT64_MAX) : ET_ELIMIT;
        p->token = 0;
    } while (rc >= 0 && l->at_work); /* who was before has come back */
    take_out(l, p);
    if (rc < 0 && !l->at_work)
        call(l, r);
    return rc;
}

int32_t
line_enter(struct line *l, struct place *p, et_req *r, size_t n)
{
    int32_t rc = 0;
    if (p->taken >= LINE_TURN && l->first)
        line_leave(l, p, r);
    if (l->at_work != p && (l->at_work || (l->first && p->taken == 0)))
        rc = wait(l, p, r);
    if (rc < 0)
        return rc;
    l->at_work = p;
    p->taken += n;
    return 0;
}

void
line_rest(struct line *l, const struct place *p, const et_req *r)
{
    if (l->at_work != p)
        return;
    l->at_work = NULL;
    call(l, r);
}

void
line_leave(struct line *l, struct place *p, const et_req *r)
{
    line_rest(l, p, r);
    p->taken = 0;
}
