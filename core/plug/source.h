/* SPDX-License-Identifier: BSD-2-Clause */
/* source.h - the file in modules/: whose it is, and its bytes in one piece.
 *
 * Everything is asked of one descriptor, so the file that is checked is the
 * file that is read.  It may be somebody's target of cp at this moment: bytes
 * count only if size and times were the same before and after reading. */
#ifndef PLUG_SOURCE_H
#define PLUG_SOURCE_H

#include <stddef.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "conf/bundle_image.h"
#include "conf/conf.h"
#include "os/file.h"

#define SOURCE_MAX_BYTES BUNDLE_IMAGE_MAX_BYTES

struct source {
    int fd;
    char *p; /* malloc'ed */
    size_t n;
    struct file_id id;
};

/* Read path.  owner STRICT: the file and its folders (the one named and the one
 * behind symbolic links) must belong to root or to this process's user, and
 * be writable by neither everybody (a sticky folder is good) nor a group other
 * than root's or this process's.  A file that changes while it is read is read
 * again up to 3 times within 300 ms.  0, or ERR_INVALID or ERR_NOMEM and e says
 * why, as the end of a sentence that begins with the file's name. [control] */
MUST_USE int source_read(const char *path, enum conf_owner owner,
                         struct source *out, et_err *e);
/* Free the bytes and close the descriptor (unless it was set to -1). */
void source_fini(struct source *s);

#endif
