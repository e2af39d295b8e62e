/* SPDX-License-Identifier: BSD-2-Clause */
/* coder_deflate.c - libdeflate; see coder.h: gzip for who has all of a stream
 * at once, in two thirds of zlib's time.  It knows nothing else. */
#ifdef COMPRESS_DEFLATE
#include <libdeflate.h>

#include "coders.h"
#include "memory.h"

/* What 1.14 has of the heap, at level 1 and above: it does not say. */
#define BYTES_OF_1 202759u
#define BYTES 668295u

struct deflate {
    struct libdeflate_compressor *c;
    int level;
};

static void *
make(struct memory *memory, int level, int bits)
{
    struct deflate *z = memory_take(memory, sizeof *z);
    (void)bits; /* 32 KiB: all that the format has */
    if (!z)
        return NULL;
    z->level = level;
    z->c = libdeflate_alloc_compressor(level);
    if (z->c)
        return z;
    memory_give(z);
    return NULL;
}

static int32_t
begin(void *z, int64_t n)
{
    (void)z;
    (void)n;
    return 0;
}

static int32_t
run(void *arg, struct coder_io *io, enum coder_op op)
{
    struct deflate *z = arg;
    size_t n;
    if (op != CODER_END)
        return -1;
    n = libdeflate_gzip_compress(z->c, io->in, io->n, io->out, io->room);
    if (n == 0)
        return CODER_MORE;
    io->in += io->n;
    io->n = 0;
    io->out += n;
    io->room -= n;
    return 0;
}

static size_t
bytes(const void *arg)
{
    const struct deflate *z = arg;
    return z->level == 1 ? BYTES_OF_1 : BYTES;
}

static void
end(void *arg)
{
    struct deflate *z = arg;
    libdeflate_free_compressor(z->c);
    memory_give(z);
}

const struct coder coder_deflate = {make, begin, run, bytes, end};
#endif
