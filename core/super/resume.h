/* SPDX-License-Identifier: BSD-2-Clause */
/* resume.h - the keys of session tickets, which outlive server processes.
 *
 * A client that comes back to another process than it left - after a crash, an
 * upgrade, a reload that took another one - resumes its TLS session there,
 * since all of them have the same keys (tls/tickets.h): made here, told to each
 * before it begins, and forgotten here by the hour as they are there.  Nothing
 * is encrypted or logged here. */
#ifndef SUPER_RESUME_H
#define SUPER_RESUME_H

#include <stdint.h>

struct child;
struct state;
struct tickets;

struct resume {
    struct tickets *tickets; /* NULL: each process has keys of its own */
    uint64_t due_ns;         /* next look at the hour */
};

/* New keys, unless there are some. [control] */
void resume_open(struct resume *r);
void resume_close(struct resume *r);
/* Say them to a process, before it begins. [control] */
void resume_tell(const struct resume *r, struct child *c);
/* What time has come for; it comes again at r->due_ns. [control] */
void resume_turn(struct resume *r, uint64_t now_ns);

/* For a supervisor that takes our place, as a line "tickets", and back, from
 * what stands behind that word. [control] */
void resume_save(const struct resume *r, struct state *to);
void resume_load(struct resume *r, const char *line);

#endif
