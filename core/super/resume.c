/* SPDX-License-Identifier: BSD-2-Clause */
/* resume.c - see resume.h. */
#include "super/resume.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "ctl/ctl.h"
#include "super/child.h"
#include "super/process.h"
#include "super/state.h"
#include "tls/tickets.h"

#define LOOK_NS (600 * 1000 * MS)

_Static_assert(TICKETS_SAVED_BYTES <= CTL_TEXT_MAX, "they fit a message");

void
resume_open(struct resume *r)
{
    if (!r->tickets)
        r->tickets = tickets_new((int64_t)time(NULL));
    if (!r->tickets)
        log_warn("keys of TLS sessions: out of memory: they end with each "
                 "server process");
}

void
resume_close(struct resume *r)
{
    tickets_drop(r->tickets);
    *r = (struct resume){0};
}

void
resume_tell(const struct resume *r, struct child *c)
{
    struct ctl_message m = {.kind = CTL_TICKETS};

    if (!r->tickets)
        return;
    m.id = (uint32_t)tickets_save(r->tickets, (uint8_t *)m.u.text);
    child_send(c, &m, -1);
    explicit_bzero(&m, sizeof m);
}

void
resume_turn(struct resume *r, uint64_t now_ns)
{
    struct ticket_key key;

    if (!r->tickets || now_ns < r->due_ns)
        return;
    r->due_ns = now_ns + LOOK_NS;
    tickets_current(r->tickets, (int64_t)time(NULL), &key);
    explicit_bzero(&key, sizeof key);
}

void
resume_save(const struct resume *r, struct state *to)
{
    char hex[2 * TICKETS_SAVED_BYTES + 1];
    uint8_t saved[TICKETS_SAVED_BYTES];

    if (!r->tickets)
        return;
    state_hex(saved, tickets_save(r->tickets, saved), hex);
    state_put(to, "tickets %s", hex);
    explicit_bzero(saved, sizeof saved);
    explicit_bzero(hex, sizeof hex);
}

void
resume_load(struct resume *r, const char *line)
{
    uint8_t saved[TICKETS_SAVED_BYTES];

    if (strlen(line) != 2 * sizeof saved || r->tickets)
        return;
    if (state_unhex(line, saved) == sizeof saved)
        r->tickets = tickets_load((et_str){(char *)saved, sizeof saved});
    explicit_bzero(saved, sizeof saved);
}
