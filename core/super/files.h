/* SPDX-License-Identifier: BSD-2-Clause */
/* files.h - the configuration's files, read by the supervisor for all.
 *
 *     files -- read --> bundle -- dump --> START, RELOAD
 *                 \--> shown: what the dump names
 *
 * A server process is of another user and may not read them, so whoever starts
 * or reloads one has it given what they are at that moment: texts, secrets and
 * what was wrong with reading them (conf/bundle_remark.h).  Plugins' images are
 * not among it: they are read by who runs them.  What it is given it may ask
 * to have opened (opener.h), and nothing else. */
#ifndef SUPER_FILES_H
#define SUPER_FILES_H

#include "base/check.h"

struct conf;

struct files {
    const char *path;
    char *const *env;
    int fd;             /* a dump that nobody has taken yet; -1: none */
    struct conf *shown; /* what the last dump says, as far as it is right; or
                           NULL */
};

/* Those at path, for env, which are kept. [control] */
void files_init(struct files *f, const char *path, char *const *env);
/* Read them for the first time: what they say, the caller's, or NULL if that is
 * nothing to serve. [control] */
MUST_USE struct conf *files_open(struct files *f);
/* A dump of the files as they are now - the first time, as files_open found
 * them -, the caller's to close; or -errno. [control] */
MUST_USE int files_take(struct files *f);
void files_close(struct files *f);

#endif
