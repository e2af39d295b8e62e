/* SPDX-License-Identifier: BSD-2-Clause */
/* admin.h - the socket an administrator speaks to: lines in, lines out.
 *
 *     {"command":"status"}\n        ->
 *                                   <-   {"ok":true, ...}\n
 *
 * A Unix stream socket, mode 0600, for up to ADMIN_CLIENTS at once; what stands
 * in a line is its owner's business.  A client has one line at work at a time:
 * what it sends meanwhile waits, and answers come in the order of their lines -
 * now, or later and from elsewhere, by a number that stays good (and means
 * nothing) when the client has gone.  Half a connection is enough: who has said
 * all is still answered, and a last line needs no end.
 *
 * Nobody is waited for.  Whoever brings no line within ADMIN_PATIENCE_MS, or
 * takes nothing of an answer for as long, is dropped; a line beyond
 * ADMIN_LINE_MAX is refused.  One thread drives it: its owner polls
 * admin_poll_fd, for admin_timeout at most, and then calls admin_turn.  Time is
 * the owner's: milliseconds of any clock that does not go back. */
#ifndef CTL_ADMIN_H
#define CTL_ADMIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/check.h"
#include "os/sockfile.h"

#define ADMIN_CLIENTS 64
#define ADMIN_LINE_MAX 4096u /* with its newline */
#define ADMIN_PATIENCE_MS 30000u

struct admin;

/* Who is at the other end, as the kernel says. */
struct admin_peer {
    pid_t pid;
    uid_t uid;
};

/* A line of n bytes and a NUL, without its newline, which may be written to; it
 * is client's until admin_answer, which may be called from inside this. */
typedef void admin_on_line(void *arg, uint64_t client,
                           const struct admin_peer *from, char *line, size_t n);

/* Listen at path, in the place of a socket that nobody serves.  0 and *out,
 * closed with admin_close; or -errno (-EADDRINUSE: somebody serves it) and why
 * (cap bytes). [control] */
MUST_USE int admin_open(const char *path, admin_on_line *on_line, void *arg,
                        struct admin **out, char *why, size_t cap);
/* Drop all clients, whatever they were promised, and remove the socket's file,
 * if it is still ours.  NULL is nothing. [control] */
void admin_close(struct admin *a);

/* Listen there again if its file is not ours any more, as when /run was swept;
 * clients stay.  The log says what was done, or why it cannot be.  NULL is
 * nothing. [control] */
void admin_restore(struct admin *a);

/* For a process that takes our place; all stay ours: the listening socket and
 * its file; the socket of a client that waits for an answer, -1: there is none;
 * that of client number i (below ADMIN_CLIENTS), if it neither waits nor is in
 * the middle of anything, else -1.  What a client has sent beyond the line that
 * is at work is lost.  [control] */
int admin_listener(const struct admin *a, struct sockfile *file);
int admin_client_fd(const struct admin *a, uint64_t client);
int admin_idle_fd(const struct admin *a, uint32_t i);
/* Write what can be written of answers, and nothing else. [control] */
void admin_flush(struct admin *a, uint64_t now_ms);
/* We have taken its place: as admin_open, on that socket, which is taken if
 * this succeeds. [control] */
MUST_USE int admin_adopt(int listener, struct sockfile file,
                         admin_on_line *on_line, void *arg, struct admin **out);
/* Take fd, a client that waits for an answer, or not: its number; 0: it is
 * gone. [control] */
uint64_t admin_adopt_client(struct admin *a, int fd, int is_busy,
                            uint64_t now_ms);

/* What to poll for reading; -1 of NULL, as in both below: none is open.
 * [control] */
int admin_poll_fd(const struct admin *a);
/* Milliseconds until a turn has something to do even if nothing comes; -1: for
 * ever. [control] */
int admin_timeout(const struct admin *a, uint64_t now_ms);
/* Take what has come, hand out lines, write what there is to write, and drop
 * who is too slow. [control] */
void admin_turn(struct admin *a, uint64_t now_ms);
/* Say a short line of n bytes in front of the answer, which is still owed: at
 * once, or not at all. [control] */
void admin_say(struct admin *a, uint64_t client, const char *text, size_t n);
/* Answer client's line with n bytes, which are copied, and a newline.  Nothing
 * if it has gone, or owes us a line. [control] */
void admin_answer(struct admin *a, uint64_t client, const char *text, size_t n,
                  uint64_t now_ms);

#endif
