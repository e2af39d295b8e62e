/* SPDX-License-Identifier: BSD-2-Clause */
/* adoption.h - the configuration that the supervisor itself goes by.
 *
 * It is that of what serves, as a dump in memory, and before there is one that
 * of the files (files.h).  Of it the log, the pid file and the times of start
 * and end concern this process. */
#ifndef SUPER_ADOPTION_H
#define SUPER_ADOPTION_H

#include "base/check.h"

struct conf;
struct identity;
struct super;

/* Who server processes are to run as: SERVER_OK; SERVER_PERMISSION, which has
 * been said on stderr; or SUPER_NOT_WANTED: it is one of the errors that are to
 * be told together. [control] */
MUST_USE int adoption_find_user(const struct conf *conf, struct identity *who);
/* Raise the limit of open files as far as this process may, which can be more
 * than a server process could; that one says what is missing. [control] */
void adoption_raise_limits(const struct conf *conf);
/* Go by conf, which is taken.  A log that cannot be opened is the server
 * process's to complain of: it is the first to try. [control] */
void adoption_take(struct super *s, struct conf *conf);
/* What serves has changed: go by the dump of fd, which is taken; -1: it could
 * not be handed over. [control] */
void adoption_commit(struct super *s, int fd);
/* We have taken the place of a supervisor that went by s->bundle_fd, or, if we
 * cannot read that, by the files.  0 or -EINVAL. [control] */
MUST_USE int adoption_resume(struct super *s);

#endif
