/* SPDX-License-Identifier: BSD-2-Clause */
/* tally.h - what a plugin of the tests counts, and waiting until it has.
 *
 *     GET /later/count  ->  held 1 resumed 0 cancelled 0 late 0 jobs 0 */
#ifndef T_LIB_TALLY_H
#define T_LIB_TALLY_H

struct client;
struct server;

/* The number behind "what " in the answer to request, on c; else the test
 * fails. */
int tally_on(struct client *c, const char *request, const char *what);
/* The same on a connection of its own. */
int tally(const struct server *s, const char *request, const char *what);
/* Until that is n; the test fails after some seconds. */
void tally_wait(const struct server *s, const char *request, const char *what,
                int n);

/* The server's figure etude_NAME, of its `metrics = /metrics`; else the test
 * fails. */
int tally_figure(const struct server *s, const char *name);
/* Until that is n; the test fails after some seconds. */
void tally_wait_figure(const struct server *s, const char *name, int n);

#endif
