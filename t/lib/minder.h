/* SPDX-License-Identifier: BSD-2-Clause */
/* minder.h - a program that starts programs of its own, and all of them ended
 * with the test: by minder_end, or because the test has failed, crashed or run
 * out of time.
 *
 * A process between the two sees that, since its end of a pipe is closed then.
 * It is where orphans of the program go, in whatever process group or session
 * they are, so it finds all of them, and ends them by their numbers. */
#ifndef T_LIB_MINDER_H
#define T_LIB_MINDER_H

#include <sys/types.h>

struct minder {
    pid_t pid;
    int keep;          /* closed: that is the end */
    char dir[64];      /* the program's HOME and TMPDIR; removed at the end */
    char log_path[96]; /* what it writes to stdout and stderr */
};

/* Run the program argv[0], which is looked for in PATH, with those arguments.
 * What fails fails the test, but for the program itself: see the log. */
void minder_start(struct minder *m, const char *const *argv);
/* End it and all that it has started; returns when they are gone. */
void minder_end(struct minder *m);

#endif
