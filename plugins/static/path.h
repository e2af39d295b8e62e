/* SPDX-License-Identifier: BSD-2-Clause */
/* path.h - which paths may name a file at all.
 *
 * What comes here is decoded and has no dot segments (et_req.path).  Refused is
 * whatever names nothing, or the same file a second time, past what guards its
 * first name:
 *     empty segments ("//x" is no "/x" to a scope, but is to the kernel)
 *     "." and ".." all the same, %2F in any form, a backslash
 *     control bytes, and bytes that are no UTF-8 (overlong forms)
 *     segments that begin with a dot, unless hidden files are served; but
 *     ".well-known" is, as the first (RFC 8615) */
#ifndef STATIC_PATH_H
#define STATIC_PATH_H

#include <etude.h>

#define PATH_BYTES_MAX 2048u
#define PATH_SEGMENT_MAX 255u

/* True if path, relative to the root, may name a file or, ending in a slash or
 * empty, a folder. [any] */
int path_is_good(et_str path, int with_hidden);
/* The same of one segment, which is not the first. [any] */
int path_is_segment(et_str segment, int with_hidden);
/* Bytes of a path or name as they stand in a URL: '/' stays, what is not
 * unreserved (RFC 3986 2.3) is encoded.  At most 3 * s.n bytes to out; how
 * many. [any] */
size_t path_encode(et_str s, char *out);
/* True if name (the last segment, or the whole path for a pattern with a slash)
 * is one of pattern's: * is any bytes but '/', ** any bytes, ? one byte. [any]
 */
int path_matches(et_str pattern, et_str path);

#endif
