/* SPDX-License-Identifier: BSD-2-Clause */
/* ambient.h - what code that is called finds set, and should leave so.
 *
 * The calling thread's: signal mask, control words of its floating point unit
 * (x86-64 only).  The whole process's: working folder, umask, locale.  They are
 * noted before foreign code runs and put back after it; what cannot be noted
 * (a folder that is gone, a locale with a long name) is not compared. */
#ifndef OS_AMBIENT_H
#define OS_AMBIENT_H

#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define AMBIENT_LOCALE_MAX 512
#define AMBIENT_WORDS_MAX 400

struct ambient {
    sigset_t mask;
    uint32_t mxcsr;
    uint16_t x87;
    int is_whole; /* of the process, too */
    mode_t umask;
    char folder[PATH_MAX];           /* "": unknown */
    char locale[AMBIENT_LOCALE_MAX]; /* "": unknown */
};

/* Note how it is: the thread's, and with is_whole the process's, for which no
 * other thread may be about to make files whose mode depends on the umask: it
 * is 077 for a moment. [any] */
void ambient_take(struct ambient *a, int is_whole);
/* Put back what differs from a.  How many things did; out (cap bytes) names
 * them: "its signal mask, the locale". [any] */
int ambient_restore(const struct ambient *a, char *out, size_t cap);

#endif
