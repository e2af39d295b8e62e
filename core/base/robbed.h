/* SPDX-License-Identifier: BSD-2-Clause */
/* robbed.h - a descriptor of the process's is not there any more.
 *
 * Nobody of ours closes one while somebody uses it: a plugin has, and goes on
 * to serve with us.  Whoever finds out notes it here, in passing and from any
 * layer, and goes on as well as it can; who looks after the process sees it
 * and has it replaced (serve/watchdog.h).  The number may be another file's
 * already: what was done with it meanwhile nobody knows.  Not for a thread that
 * finds it right behind a plugin's step: that has a suspect (guard_lose). */
#ifndef BASE_ROBBED_H
#define BASE_ROBBED_H

/* fd (-1: not known), which is or was that (27 bytes at most, "a listening
 * socket"), is closed or another file's.  The first note counts. [any] */
void robbed_note(const char *what, int fd);
/* "a plugin has closed a listening socket (descriptor 16)"; NULL: nothing was
 * noted. [any] */
const char *robbed_look(void);

#endif
