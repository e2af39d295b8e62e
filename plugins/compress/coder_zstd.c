/* SPDX-License-Identifier: BSD-2-Clause */
/* coder_zstd.c - libzstd; see coder.h.
 *
 * Its stable interface has no allocators: a context allocates for itself, for
 * its first stream and for one that is larger than those before. */
#ifdef COMPRESS_ZSTD
#include <zstd.h>

#include "coders.h"

static void *
make(struct memory *memory, int level, int bits)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    (void)memory;
    if (!z)
        return NULL;
    if (!ZSTD_isError(
            ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level)) &&
        !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, bits)))
        return z;
    ZSTD_freeCCtx(z);
    return NULL;
}

static int32_t
begin(void *z, int64_t n)
{
    const size_t rc = ZSTD_CCtx_reset(z, ZSTD_reset_session_only);
    if (ZSTD_isError(rc))
        return -1;
    if (n < 0)
        return 0;
    return ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(z, (uint64_t)n)) ? -1 : 0;
}

static int32_t
run(void *z, struct coder_io *io, enum coder_op op)
{
    static const ZSTD_EndDirective ops[] = {ZSTD_e_continue, ZSTD_e_flush,
                                            ZSTD_e_end};
    ZSTD_inBuffer in = {io->in, io->n, 0};
    ZSTD_outBuffer out = {io->out, io->room, 0};
    const size_t left = ZSTD_compressStream2(z, &out, &in, ops[op]);
    if (ZSTD_isError(left))
        return -1;
    io->in += in.pos;
    io->n -= in.pos;
    io->out += out.pos;
    io->room -= out.pos;
    return io->n > 0 || (op != CODER_GO && left > 0) ? CODER_MORE : 0;
}

static size_t
bytes(const void *z)
{
    return ZSTD_sizeof_CCtx(z);
}

static void
end(void *z)
{
    ZSTD_freeCCtx(z);
}

const struct coder coder_zstd = {make, begin, run, bytes, end};
#endif
