/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_dump.h - a bundle as one run of bytes (bundle_load.h: and back).
 *
 * For a process that is to start from what was committed and not from what the
 * disk holds by then.  A dump holds SECRETS in the clear (values of variables,
 * files named by ${file:...}, keys of certificates): a file it is written to is
 * mode 0600 from its first moment, which is the caller's business; better is a
 * memfd.
 *
 *     head       "etbundle" | u32 version | u32 0 | u64 bytes of the body |
 *                SHA-256 of the body
 *     body       text cwd, modules
 *                u32 n_files   { text name, dir, text; u32 layer; identity }
 *                u32 n_vars    { text name, value, why; u32 flags }
 *                u32 n_remarks { u32 kind; text }      from version 2 on
 *                u32 n_outages { text section, why; u32 may be loaded }
 *                                                      from version 3 on
 *                u32 n_papers  { text path, why; u32 mode, flags; u64 bytes;
 *                                SHA-256 }             version 4 only
 *                u32 n_images  { text path; u64 bytes; SHA-256; identity }
 *     papers     one after the other
 *     images     one after the other, to the end of the file
 *
 *     text      u32 bytes, the bytes, a NUL
 *     identity  struct file_id as five u64
 *
 * Version 4 is that of a bundle with papers, version 3 that of another with
 * outages, version 2 with remarks, version 1 that of any other.  All numbers
 * are little-endian.  There is no second form of the same bundle: a dump that
 * was read and is written again has the same bytes.  Every byte is under a hash
 * or compared, so no damage passes. */
#ifndef CONF_BUNDLE_DUMP_H
#define CONF_BUNDLE_DUMP_H

#include <stdint.h>

#include "base/check.h"
#include "base/sha256.h"

#define BUNDLE_DUMP_VERSION 4u /* of the layout above */
#define BUNDLE_DUMP_MAX_BODY (128u << 20)

#define BUNDLE_DUMP_MAGIC "etbundle"
#define BUNDLE_DUMP_MAGIC_LEN 8
#define BUNDLE_DUMP_HEAD_LEN (BUNDLE_DUMP_MAGIC_LEN + 4 + 4 + 8 + SHA256_LEN)

/* flags of a variable */
enum bundle_dump_var {
    BUNDLE_DUMP_HAS_VALUE = 1,
    BUNDLE_DUMP_HAS_WHY = 2,
    BUNDLE_DUMP_IS_SECRET = 4,
    BUNDLE_DUMP_VAR_FLAGS = 7,
};

/* flags of a paper: it has a text, else it has a reason */
#define BUNDLE_DUMP_HAS_TEXT 1u

struct bundle;

/* Write b to fd at its current offset, which is the start of an empty file.
 * 0, or -errno: -EFBIG if the body is beyond its bound, -ENODATA if the texts
 * of its papers were wiped. [control] */
MUST_USE int bundle_dump_write(const struct bundle *b, int fd);

#endif
