/* SPDX-License-Identifier: BSD-2-Clause */
/* backtrace.c - see backtrace.h. */
#include "os/backtrace.h"

#include <unwind.h>

struct walk {
    uintptr_t pc, end_sp;
    uintptr_t *frames;
    size_t n, max;
};

static _Unwind_Reason_Code
on_frame(struct _Unwind_Context *context, void *arg)
{
    struct walk *w = arg;
    uintptr_t ip = (uintptr_t)_Unwind_GetIP(context);

    if (w->n == 0 && ip != w->pc) /* the handler's own */
        return _URC_NO_REASON;
    if (ip == 0 || w->n == w->max ||
        (w->end_sp && w->n > 0 && _Unwind_GetCFA(context) >= w->end_sp))
        return _URC_END_OF_STACK;
    w->frames[w->n++] = ip;
    return _URC_NO_REASON;
}

size_t
backtrace_take(uintptr_t pc, uintptr_t end_sp, uintptr_t *frames, size_t max)
{
    struct walk w = {.pc = pc, .end_sp = end_sp, .frames = frames, .max = max};

    _Unwind_Backtrace(on_frame, &w);
    return w.n;
}

uintptr_t
backtrace_function(uintptr_t pc)
{
    /* It takes what it is given for an address to return to. */
    return (uintptr_t)_Unwind_FindEnclosingFunction((void *)(pc + 1));
}

void
backtrace_prepare(void)
{
    uintptr_t frame;

    (void)backtrace_take(0, 0, &frame, 1);
}
