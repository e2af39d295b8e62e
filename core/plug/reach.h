/* SPDX-License-Identifier: BSD-2-Clause */
/* reach.h - whether what a plugin's tables point to is there to be read.
 *
 * Nobody has checked these pointers: a number where a string belongs, or a
 * damaged relocation, and whoever follows them ends the process.  The host
 * follows one only if it leads into an object that is loaded, into a segment
 * that may be read and holds all that is read of it.  That is the plugin's file
 * or a library's: strings may come from one, and what C++ calls unique from
 * another build.  The heap and stacks are in no object.  Functions are called,
 * not read: nothing is asked of them.
 *
 * All of it when a plugin is loaded, and never again. */
#ifndef PLUG_REACH_H
#define PLUG_REACH_H

#include <stddef.h>

#include "abi/etude_abi.h"
#include "base/check.h"

/* How a message about a pointer that leads elsewhere ends. */
#define REACH_NOT_INSIDE                                                       \
    "is not inside the plugin's file or one of its libraries"

/* True if the n bytes at p can be read, and p is a multiple of align. [control]
 */
int reach_has(const void *p, size_t n, size_t align);
#define reach_has_one(p) reach_has(p, sizeof *(p), _Alignof(__typeof__(*(p))))

/* The name of the first field that leads elsewhere ("default"), or NULL; NULL
 * in a field is good.  Each of these is the host's own copy, full-size.
 * [control] */
const char *reach_astray_in_plugin(const et_plugin *p);
const char *reach_astray_in_item(const et_item *it);
const char *reach_astray_in_option(const et_opt *o);
/* True unless the file an item names leads elsewhere. [control] */
int reach_has_file(const et_item *it);

#endif
