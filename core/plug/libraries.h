/* SPDX-License-Identifier: BSD-2-Clause */
/* libraries.h - libraries that were replaced on the disk while this process
 * runs with what stood there before.
 *
 * A package upgrade puts a new libssl beside a server that goes on with the old
 * one, reload or not: only a new process takes it up.  Told by build-ids, so
 * that the same bytes put there again are no replacement; what has none is not
 * judged.  Plugins' own images are no libraries: they are copies. */
#ifndef PLUG_LIBRARIES_H
#define PLUG_LIBRARIES_H

/* Call on_replaced(arg, path) for each library whose file is of another build
 * by now, or gone.  Reads their files. [control] */
void libraries_check(void (*on_replaced)(void *arg, const char *path),
                     void *arg);

#endif
