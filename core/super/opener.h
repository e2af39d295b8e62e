/* SPDX-License-Identifier: BSD-2-Clause */
/* opener.h - what only the supervisor may open, for a server process.
 *
 * A log can lie where the server's user may not write, so it is opened, and
 * after logrotate opened anew, here, and its descriptor handed over.  Who asks
 * runs plugins, so it is not believed: only a path that the configuration
 * names - what serves, or what was handed out last to be tried - is opened, to
 * append and nothing else.  And where that user may put links into the log's
 * folder, a link is followed only if it is root's or ours (os/follow.h).
 *
 * A file that is made belongs to whoever runs the supervisor, mode 0640. */
#ifndef SUPER_OPENER_H
#define SUPER_OPENER_H

#include "ctl/ctl.h"

struct conf;

/* Answer OPEN by what these name; either may be NULL: answer's result and id
 * are set, and the descriptor, the caller's, or -1 goes with it. [control] */
MUST_USE int opener_answer(const struct ctl_message *m,
                           const struct conf *serving, const struct conf *shown,
                           struct ctl_message *answer);

/* Whether a configuration names path: as its log, or as an option of a plugin,
 * of a route or of a scope. [control] */
int opener_is_named(const struct conf *conf, const char *path);
/* Whether one of these, of which either may be NULL, listens on this: on its
 * path, or, on whatever address, on its port. [control] */
int opener_may_listen(const struct conf *serving, const struct conf *shown,
                      const struct sock_address *a);
/* Open a log: a descriptor or -errno; -ELOOP: a link of somebody else's.
 * [control] */
MUST_USE int opener_open_log(const char *path);

#endif
