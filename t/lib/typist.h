/* SPDX-License-Identifier: BSD-2-Clause */
/* typist.h - types what a guide (guide.h) tells to type, from top to bottom.
 *
 *     ```c greet.c            what the block holds is added to that file
 *         $ cc greet.c        the command is run; what stands below it, and
 *                             nothing else, is what it prints
 *         $ curl http://127.0.0.1:8080/greet/you | grep you
 *                             is asked on one connection that stays open
 *         $ kill -HUP $(pidof etude)      # refused
 *                             a reload; it succeeds, unless it says so
 *         2026-11-28T10:48:30.118Z info  reload: ...
 *                             the log has such a line
 *
 * `make` takes what is built as it is and installs into the folder of the test,
 * where pkg-config finds it; `cc` is $CC. */
#ifndef T_LIB_TYPIST_H
#define T_LIB_TYPIST_H

struct server;

/* How many there were of each. */
struct typed {
    int n_files, n_commands, n_requests, n_reloads, n_refused, n_lines;
};

/* Type what stands from `from` to `end`, in the folder that guide_enter_tree
 * made, while its server serves. */
struct typed typist_type(struct server *s, const char *from, const char *end);

#endif
