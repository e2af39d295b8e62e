/* SPDX-License-Identifier: BSD-2-Clause */
/* unpack.h - the libraries' own decoders, for tests of what was compressed. */
#ifndef COMPRESS_T_UNPACK_H
#define COMPRESS_T_UNPACK_H

#include <check.h>
#include <string.h>
#include <zlib.h>
#ifdef COMPRESS_BR
#include <brotli/decode.h>
#endif
#ifdef COMPRESS_ZSTD
#include <zstd.h>
#endif

#include "plugins/compress/coder.h"

#ifdef COMPRESS_BR
static inline size_t
unpack_br(const char *p, size_t n, char *to, size_t cap, int *is_whole)
{
    BrotliDecoderState *z = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    const uint8_t *in = (const uint8_t *)p;
    uint8_t *out = (uint8_t *)to;
    size_t room = cap;
    BrotliDecoderResult rc =
        BrotliDecoderDecompressStream(z, &n, &in, &room, &out, NULL);
    BrotliDecoderDestroyInstance(z);
    ck_assert_int_ne(rc, BROTLI_DECODER_RESULT_ERROR);
    *is_whole = rc == BROTLI_DECODER_RESULT_SUCCESS && n == 0;
    return cap - room;
}
#endif

#ifdef COMPRESS_ZSTD
static inline size_t
unpack_zstd(const char *p, size_t n, char *to, size_t cap, int *is_whole)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();
    ZSTD_inBuffer in = {p, n, 0};
    ZSTD_outBuffer out = {to, cap, 0};
    size_t rc, before;
    do {
        before = in.pos + out.pos;
        rc = ZSTD_decompressStream(z, &out, &in);
        ck_assert(!ZSTD_isError(rc));
    } while (rc > 0 && in.pos + out.pos > before);
    ZSTD_freeDCtx(z);
    *is_whole = rc == 0 && in.pos == n;
    return out.pos;
}
#endif

static inline size_t
unpack_gzip(const char *p, size_t n, char *to, size_t cap, int *is_whole)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)p,
                  .avail_in = (uInt)n,
                  .next_out = (Bytef *)to,
                  .avail_out = (uInt)cap};
    int rc;
    ck_assert_int_eq(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
    rc = inflate(&z, Z_SYNC_FLUSH);
    ck_assert(rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR);
    inflateEnd(&z);
    *is_whole = rc == Z_STREAM_END && z.avail_in == 0;
    return cap - z.avail_out;
}

static inline size_t
unpack_any(enum coding coding, const char *p, size_t n, char *to, size_t cap,
           int *is_whole)
{
    switch (coding) {
#ifdef COMPRESS_BR
    case CODING_BR: return unpack_br(p, n, to, cap, is_whole);
#endif
#ifdef COMPRESS_ZSTD
    case CODING_ZSTD: return unpack_zstd(p, n, to, cap, is_whole);
#endif
    default: return unpack_gzip(p, n, to, cap, is_whole);
    }
}

/* As far as it can be read: how many bytes are at to. */
static inline size_t
unpack_some(enum coding coding, const char *p, size_t n, char *to, size_t cap)
{
    int is_whole;
    return unpack_any(coding, p, n, to, cap, &is_whole);
}

/* The same of one that is whole, with nothing behind it. */
static inline size_t
unpack(enum coding coding, const char *p, size_t n, char *to, size_t cap)
{
    int is_whole;
    const size_t k = unpack_any(coding, p, n, to, cap, &is_whole);
    ck_assert_int_eq(is_whole, 1);
    return k;
}

#endif
