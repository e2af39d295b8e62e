/* SPDX-License-Identifier: BSD-2-Clause */
/* tree.h - a path's identity: has what it leads to changed?
 *
 * A file is known by (dev, ino, size, mtime, ctime); a folder, if asked for, by
 * those of everything below it and their names.  Nothing is opened but folders.
 *
 * Symbolic links are followed, to folders outside of the tree too: a link is
 * what it leads to.  One that leads to a folder it is in, by whatever way, is
 * known by that folder's identity and not entered again. */
#ifndef CONF_TREE_H
#define CONF_TREE_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"

#define TREE_MAX_DEPTH 64

/* Bytes that are equal as long as path leads to the same content; what is not
 * there, or may not be looked at, has an identity too.  max_entries 0: path
 * alone; else also everything below it, and what two links lead to counts
 * twice.  The bytes are in a.  0, ERR_NOMEM, or ERR_LIMIT when there are more
 * entries or levels. [control] */
MUST_USE int tree_identity(struct arena *a, const char *path,
                           uint32_t max_entries, et_str *out);

#endif
