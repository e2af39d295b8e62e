/* SPDX-License-Identifier: BSD-2-Clause */
/* coder_br.c - libbrotlienc; see coder.h.
 *
 * Its encoder serves one stream: there is a new one for each, in the memory of
 * the one before.  Where that is refused the library calls exit(): so nobody
 * tells it.  The allocator leaves it by a jump instead, back into the call that
 * was made of it; all it has is in memory, and goes with that. */
#ifdef COMPRESS_BR
#include <brotli/encode.h>
#include <setjmp.h>

#include "coders.h"
#include "memory.h"

struct br {
    BrotliEncoderState *state; /* NULL: before begin, and after a jump */
    struct memory *memory;
    int level, bits;
    jmp_buf refused; /* of the call that is under way */
};

static void *
take(void *arg, size_t n)
{
    struct br *z = arg;
    void *p = memory_take(z->memory, n);
    if (!p) {
        z->state = NULL;
        longjmp(z->refused, 1);
    }
    return p;
}

static void
give(void *arg, void *p)
{
    (void)arg;
    memory_give(p);
}

static void *
make(struct memory *memory, int level, int bits)
{
    struct br *z = memory_take(memory, sizeof *z);
    if (!z)
        return NULL;
    z->state = NULL;
    z->memory = memory;
    z->level = level;
    z->bits = bits;
    return z;
}

/* The smallest window that has all of n bytes in it. */
static int
window_of(int64_t n, int bits)
{
    int b = BROTLI_MIN_WINDOW_BITS;
    if (n < 0)
        return bits;
    while (b < bits && (INT64_C(1) << b) - 16 < n)
        b++;
    return b;
}

static int32_t
begin(void *arg, int64_t n)
{
    struct br *z = arg;
    const int64_t hint = n < 0 || n > (1 << 30) ? 0 : n;
    if (z->state)
        BrotliEncoderDestroyInstance(z->state);
    z->state = NULL;
    if (setjmp(z->refused))
        return -1;
    z->state = BrotliEncoderCreateInstance(take, give, z);
    if (!z->state)
        return -1;
    return BrotliEncoderSetParameter(z->state, BROTLI_PARAM_QUALITY,
                                     (uint32_t)z->level) &&
                   BrotliEncoderSetParameter(z->state, BROTLI_PARAM_LGWIN,
                                             (uint32_t)window_of(n, z->bits)) &&
                   BrotliEncoderSetParameter(z->state, BROTLI_PARAM_SIZE_HINT,
                                             (uint32_t)hint)
               ? 0
               : -1;
}

static int32_t
run(void *arg, struct coder_io *io, enum coder_op op)
{
    static const BrotliEncoderOperation ops[] = {BROTLI_OPERATION_PROCESS,
                                                 BROTLI_OPERATION_FLUSH,
                                                 BROTLI_OPERATION_FINISH};
    struct br *z = arg;
    const uint8_t *in = (const uint8_t *)io->in;
    uint8_t *out = (uint8_t *)io->out;
    if (setjmp(z->refused))
        return -1;
    if (!BrotliEncoderCompressStream(z->state, ops[op], &io->n, &in, &io->room,
                                     &out, NULL))
        return -1;
    io->in = (const char *)in;
    io->out = (char *)out;
    return io->n > 0 || BrotliEncoderHasMoreOutput(z->state) ||
                   (op == CODER_END && !BrotliEncoderIsFinished(z->state))
               ? CODER_MORE
               : 0;
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
    struct br *z = arg;
    if (z->state)
        BrotliEncoderDestroyInstance(z->state);
    memory_give(z);
}

const struct coder coder_br = {make, begin, run, bytes, end};
#endif
