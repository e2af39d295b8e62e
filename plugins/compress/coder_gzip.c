/* SPDX-License-Identifier: BSD-2-Clause */
/* coder_gzip.c - zlib; see coder.h. */
#include <zlib.h>

#include "coders.h"
#include "memory.h"

static void *
take(void *memory, unsigned items, unsigned size)
{
    return memory_take(memory, (size_t)items * size);
}

static void
give(void *memory, void *p)
{
    (void)memory;
    memory_give(p);
}

static void *
make(struct memory *memory, int level, int bits)
{
    z_stream *z = memory_take(memory, sizeof *z);
    if (!z)
        return NULL;
    *z = (z_stream){.zalloc = take, .zfree = give, .opaque = memory};
    /* 32 KiB is all the format has; 256 bytes are more than zlib takes; 16:
     * with the head and end of gzip; 8: its own default */
    bits = bits > MAX_WBITS ? MAX_WBITS : bits < 9 ? 9 : bits;
    if (deflateInit2(z, level, Z_DEFLATED, bits + 16, 8, Z_DEFAULT_STRATEGY) ==
        Z_OK)
        return z;
    memory_give(z);
    return NULL;
}

static int32_t
begin(void *z, int64_t n)
{
    (void)n;
    return deflateReset(z) == Z_OK ? 0 : -1;
}

static int32_t
run(void *arg, struct coder_io *io, enum coder_op op)
{
    static const int ops[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    z_stream *z = arg;
    int rc;
    z->next_in = (Bytef *)(uintptr_t)io->in;
    z->avail_in = (uInt)io->n;
    z->next_out = (Bytef *)io->out;
    z->avail_out = (uInt)io->room;
    rc = deflate(z, ops[op]);
    io->in = (const char *)z->next_in;
    io->n = z->avail_in;
    io->out = (char *)z->next_out;
    io->room = z->avail_out;
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return -1;
    if (op == CODER_END)
        return rc == Z_STREAM_END ? 0 : CODER_MORE;
    return io->room == 0 || io->n > 0 ? CODER_MORE : 0;
}

static size_t
bytes(const void *z)
{
    (void)z;
    return 0;
}

static void
end(void *arg)
{
    z_stream *z = arg;
    deflateEnd(z);
    memory_give(z);
}

const struct coder coder_gzip = {make, begin, run, bytes, end};
