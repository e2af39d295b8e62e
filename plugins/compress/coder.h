/* SPDX-License-Identifier: BSD-2-Clause */
/* coder.h - one way to use the libraries that compress: a struct coder each.
 *
 *     make -> begin -> run ... run(CODER_END) -> begin -> ... -> end
 *
 * What make returns serves one stream after the other; one that was left in the
 * middle is begun anew like any other.  Not for two threads at once. */
#ifndef COMPRESS_CODER_H
#define COMPRESS_CODER_H

#include <stddef.h>
#include <stdint.h>

struct memory;

/* In the order of what is liked best where nobody says otherwise. */
enum coding {
    CODING_BR,   /* RFC 7932 */
    CODING_ZSTD, /* RFC 8878, windows as RFC 9659 bounds them */
    CODING_GZIP, /* RFC 1952 */
    CODINGS,
    CODING_NONE = CODINGS
};

enum coder_op {
    CODER_GO,    /* take it, and hold as much as you like */
    CODER_FLUSH, /* what has been taken can be read by who gets the output */
    CODER_END    /* that was all */
};

/* What is left of the input, and of the room for output; both move on. */
struct coder_io {
    const char *in;
    char *out;
    size_t n, room;
};

#define CODER_MORE 1 /* of run: there is no room; the same op once more */

struct coder {
    /* One for streams of that level, with windows of at most 1 << bits bytes;
     * NULL: no memory.  What it allocates by way of memory is not counted by
     * bytes. */
    void *(*make)(struct memory *memory, int level, int bits);
    /* Another stream, of n bytes if n >= 0.  0; below 0: no memory. */
    int32_t (*begin)(void *z, int64_t n);
    /* Take the input: 0, when all of it is taken and op is done; CODER_MORE; or
     * below 0: the stream is lost. */
    int32_t (*run)(void *z, struct coder_io *io, enum coder_op op);
    /* Bytes that are not of memory. */
    size_t (*bytes)(const void *z);
    void (*end)(void *z);
};

/* By coding; and one more of gzip, for all of a stream at once: one run, with
 * CODER_END (libdeflate).  Where its room is not enough that is CODER_MORE, and
 * nothing was done. */
#define CODER_GZIP_WHOLE CODINGS
#define CODERS (CODINGS + 1)

/* NULL: built without its library. */
extern const struct coder *const coders[CODERS];
/* As in Content-Encoding. */
extern const char *const coder_names[CODINGS];

#endif
