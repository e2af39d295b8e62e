/* SPDX-License-Identifier: BSD-2-Clause */
/* coder.c - see coder.h: those that are there. */
#include "coder.h"

#include "coders.h"

const struct coder *const coders[CODERS] = {
#ifdef COMPRESS_BR
    [CODING_BR] = &coder_br,
#endif
#ifdef COMPRESS_ZSTD
    [CODING_ZSTD] = &coder_zstd,
#endif
    [CODING_GZIP] = &coder_gzip,
#ifdef COMPRESS_DEFLATE
    [CODER_GZIP_WHOLE] = &coder_deflate,
#endif
};

const char *const coder_names[CODINGS] = {
    [CODING_BR] = "br",
    [CODING_ZSTD] = "zstd",
    [CODING_GZIP] = "gzip",
};
