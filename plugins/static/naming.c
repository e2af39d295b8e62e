/* SPDX-License-Identifier: BSD-2-Clause */
/* naming.c - see naming.h. */
#include "naming.h"

#include "file.h"
#include "walk.h"

void
naming_init(struct naming *n, const et_async *async)
{
    memset(n, 0, sizeof *n);
    n->async = async;
    n->end = &n->first;
}

/* ---- who waits -----------------------------------------------------------*/

static void
put_last(struct naming *n, struct asker *a)
{
    a->next = NULL;
    a->at = n->end;
    *n->end = a;
    n->end = &a->next;
}

static void
take_out(struct naming *n, struct asker *a)
{
    *a->at = a->next;
    *(a->next ? &a->next->at : &n->end) = a->at;
    a->at = NULL;
}

/* It is the turn of who has waited longest.  One that is not to be woken any
 * more has been given up, and is about to leave. */
static void
pass(struct naming *n)
{
    struct asker *a;
    n->turn = NULL;
    while (!n->turn && (a = n->first)) {
        take_out(n, a);
        if (et_resume(n->async, a->token, 0) == 0)
            n->turn = a;
    }
}

/* f has its name: all who wait for that go on. */
static void
tell(struct naming *n, const struct file *f)
{
    struct asker *a, *next;
    for (a = n->first; a; a = next) {
        next = a->next;
        if (a->file != f)
            continue;
        take_out(n, a);
        (void)et_resume(n->async, a->token, 0);
    }
}

/* ---- slices --------------------------------------------------------------*/

static int32_t
hash_slice(void *arg)
{
    struct asker *a = arg;
    a->err = file_hash_on(a->file);
    return 0;
}

/* a, whose turn it was, has what it wanted, or wants it no more. */
static void
end_turn(struct naming *n, struct asker *a)
{
    if (a->err == 0) {
        file_name(a->file);
        tell(n, a->file);
    }
    pass(n);
}

static uint32_t on_slice(et_req *r, void *self, int32_t rc);
static uint32_t on_turn(et_req *r, void *self, int32_t rc);

/* The pool hashes a slice, for a. */
static int
begin_turn(et_req *r, struct naming *n, struct asker *a)
{
    int32_t rc;
    n->turn = a;
    a->err = 1;
    rc = et_offload_then(r, hash_slice, a, on_slice, NULL);
    if (rc == 0)
        return WAITS;
    pass(n);
    return rc == ET_ENOMEM ? -ENOMEM : -EBUSY;
}

/* The pool has all the time it takes, and so has who waits for it. */
static int
wait_for_turn(et_req *r, struct naming *n, struct asker *a)
{
    a->token = et_suspend(r, on_turn, NULL, UINT32_MAX);
    if (!a->token)
        return -EBUSY;
    put_last(n, a);
    return WAITS;
}

static uint32_t
go_on(et_req *r, void *self, const struct asker *a, int rc)
{
    return rc == WAITS ? ET_WAIT : a->then(r, self, rc);
}

static uint32_t
on_turn(et_req *r, void *self, int32_t rc)
{
    struct naming *n = &((struct folder *)self)->naming;
    struct asker *a = &((struct walk *)*r->mine)->asker;
    return go_on(r, self, a, n->turn == a ? begin_turn(r, n, a) : rc);
}

static uint32_t
on_slice(et_req *r, void *self, int32_t rc)
{
    struct naming *n = &((struct folder *)self)->naming;
    struct asker *a = &((struct walk *)*r->mine)->asker;
    if (rc == 0 && a->err == 1 && !n->first)
        return go_on(r, self, a, begin_turn(r, n, a));
    if (rc == 0 && a->err == 1) {
        rc = wait_for_turn(r, n, a);
        pass(n);
        return go_on(r, self, a, rc);
    }
    end_turn(n, a);
    if (rc < 0)
        return et_fail(r, "%.*s: its job has failed", ET_STR(a->file->key));
    return a->then(r, self, a->err);
}

int
naming_begin(et_req *r, struct naming *n, struct asker *a, struct file *f,
             et_resume_fn then)
{
    a->file = f;
    a->then = then;
    return n->turn ? wait_for_turn(r, n, a) : begin_turn(r, n, a);
}

void
naming_leave(struct naming *n, struct asker *a)
{
    if (a->at)
        take_out(n, a);
    else if (n->turn == a)
        end_turn(n, a);
}
