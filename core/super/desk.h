/* SPDX-License-Identifier: BSD-2-Clause */
/* desk.h - what an administrator asks of the supervisor, and the answer.
 *
 *     admin socket     status           by us, with what the one that serves
 *     (ctl/admin.h) -> {"command": ...   says of itself
 *                      reload, upgrade  by us, when there is an outcome
 *                      stop             by us, at once, and at the end if
 *                                       that cuts something off
 *                      reopen           by us, and by the one that serves
 *                      routes, plugins, command
 *                                       by the one that serves (serve/ask.h)
 *
 * The socket is ours from before the first trial to the end, whatever process
 * serves meanwhile, and whatever the program is: a supervisor that takes our
 * place is left it, with its clients and what they wait for.  One that is in
 * the middle of a line, or of an answer too long for its socket, is dropped.
 *
 * Nobody is waited for: a process that serves, yet does not answer, is told of
 * within DESK_STATUS_MS, in a status of what is known without it. */
#ifndef SUPER_DESK_H
#define SUPER_DESK_H

#include <stdint.h>

#include "base/check.h"

struct admin;
struct answer;
struct child;
struct ctl_message;
struct state;
struct super;

#define DESK_MAX 96
/* Commands that one process has not answered: those that are held by a plugin
 * count, and it is not to be flooded (serve/channel.h). */
#define DESK_OUT_MAX 16
#define DESK_STATUS_MS 2000u
#define DESK_PASS_MS 25000u /* its own bounds are lower */

/* Numbers stay: a supervisor of another program reads them. */
enum desk_state {
    DESK_FREE = 0,
    DESK_NOW = 1,       /* is being answered */
    DESK_RELOAD = 2,    /* waits for the next reload to begin */
    DESK_RELOADING = 3, /* waits for the end of the one that runs */
    DESK_UPGRADE = 4,   /* waits for an upgrade to begin */
    DESK_UPGRADING = 5, /* and for its end */
    DESK_STATUS = 6,    /* waits for what the one that serves has to say */
    DESK_PASSED = 7,    /* waits for its answer */
    DESK_STOP = 8,      /* has been told that it will; waits for the end */
};

struct desk_ask {
    uint64_t client; /* of the admin socket */
    uint64_t due_ns; /* answered by then, however; 0: it may take its time */
    uint32_t id;     /* of this use */
    uint8_t state;   /* enum desk_state */
    uint8_t wants_text;
    uint8_t child; /* who was asked, of s->children */
};

struct desk {
    struct admin *socket; /* NULL: it is off */
    struct desk_ask v[DESK_MAX];
    uint32_t last_id;
    uint64_t began_ns; /* this process supervises since then: monotonic */
    char *last_reload; /* an object of JSON; NULL: there was none */
};

/* Open the admin socket, if there is to be one.  An exit code (base/exit.h);
 * why has been said on stderr. [control] */
MUST_USE int desk_open(struct super *s);
/* Tell who waits for the end if it was not a good one, write what is ready to
 * be, drop all clients, remove the socket. [control] */
void desk_close(struct super *s);

/* What to poll for reading, or -1; and for how long, at most timeout_ms (-1:
 * for ever). [control] */
int desk_poll_fd(const struct super *s);
int desk_timeout(const struct super *s, int timeout_ms);
/* Take what was asked, answer what can be answered. [control] */
void desk_turn(struct super *s);

/* RESULT of c, with fd (-1: none), which stays the caller's; and: c has ended.
 * [control] */
void desk_result(struct super *s, struct child *c, const struct ctl_message *m,
                 int fd);
void desk_lost(struct super *s, const struct child *c);
/* A reload begins to read the files; and has ended with this outcome
 * (answer_outcome), which is freed, after ns nanoseconds. [control] */
void desk_reload_begins(struct super *s);
void desk_reload_ended(struct super *s, struct answer *outcome, uint64_t ns);
/* An upgrade begins; and has ended: why it failed, NULL: it is done. [control]
 */
void desk_upgrade_begins(struct super *s);
void desk_upgrade_ended(struct super *s, const char *why);
/* All are to stop: nothing that is waited for will come. [control] */
void desk_give_up(struct super *s);

/* For a supervisor that takes our place: all of it, and back, a line without
 * its first word, "desk", "outcome", "ask" or "client". [control] */
void desk_save(const struct super *s, struct state *to);
void desk_load(struct super *s, const char *line);
void desk_load_reload(struct super *s, const char *part);
void desk_load_ask(struct super *s, const char *line);
void desk_load_client(struct super *s, const char *line);
/* We have taken its place, and go by its configuration. [control] */
void desk_resume(struct super *s);

#endif
