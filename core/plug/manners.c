/* SPDX-License-Identifier: BSD-2-Clause */
/* manners.c - see manners.h. */
#include "plug/manners.h"

#include <stdio.h>

#include "base/log.h"
#include "os/ambient.h"
#include "plug/guard.h"

#define TEXT_MAX 1024

static struct {
    manners_fn *fn;
    void *arg;
} told;

enum scope { NOTHING, THREAD, PROCESS };

static enum scope
scope_of(enum guard_call call)
{
    switch (call) {
    case GUARD_MAP:
    case GUARD_LOAD:
    case GUARD_CHECK:
    case GUARD_OPEN: return PROCESS;
    case GUARD_INIT: return told.fn ? PROCESS : THREAD;
    default: return NOTHING;
    }
}

static void
tell(const struct guard_who *who, const char *what)
{
    char text[TEXT_MAX];

    snprintf(
        text, sizeof text,
        "plugin %.256s: its %s changed what is not its own: %s; that is as "
        "before again",
        who->name ? who->name : "?", guard_call_name(who->call), what);
    if (told.fn && who->call == GUARD_INIT)
        told.fn(told.arg, text);
    else
        log_warn("%s", text);
}

int
manners_run(const struct guard_who *who, int (*fn)(void *arg), void *arg)
{
    enum scope scope = scope_of(who->call);
    struct ambient before;
    char what[AMBIENT_WORDS_MAX];
    int rc;

    if (scope == NOTHING)
        return guard_run(who, fn, arg);
    ambient_take(&before, scope == PROCESS);
    rc = guard_run(who, fn, arg);
    if (ambient_restore(&before, what, sizeof what) > 0)
        tell(who, what);
    return rc;
}

void
manners_tell(manners_fn *fn, void *arg)
{
    told.fn = fn;
    told.arg = arg;
}

void
manners_restore(const struct ambient *a, const char *who)
{
    char what[AMBIENT_WORDS_MAX];

    if (ambient_restore(a, what, sizeof what) > 0)
        log_warn("%s changed what is the process's: %s; that is as before "
                 "again",
                 who, what);
}
