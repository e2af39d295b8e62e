/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_away.h - a handshake whose signature a thread of the pool makes
 * (tls/signing.h), while the worker serves others.
 *
 *     start -> queued -> [ the pool: signing_run ] -> on_back(arg), the loop
 *                 +--- withdraw: 1 ------+--- withdraw: 0, and on_back comes
 *
 * A worker has env->max_away of them at most, so that handshakes leave room in
 * the pool's queue for the jobs of plugins. */
#ifndef CONN_TLS_AWAY_H
#define CONN_TLS_AWAY_H

#include "base/check.h"

struct env;
struct session;
struct tls_away;

/* Have s, which is at SESSION_SIGNS, go on elsewhere: until on_back(arg) it is
 * another thread's.  NULL: not now, it is to be done here.  on_back is called
 * from the loop, never from within. [worker] */
MUST_USE struct tls_away *tls_away_start(struct env *env, struct session *s,
                                         void (*on_back)(void *arg), void *arg);
/* Its connection is gone.  1: the session is the caller's again; 0: it is in
 * use, and the worker does not end before on_back has been called. [worker] */
MUST_USE int tls_away_withdraw(struct tls_away *a);

#endif
