/* SPDX-License-Identifier: BSD-2-Clause */
/* coders.h - each library's coder, in a file of its name.  COMPRESS_BR,
 * COMPRESS_ZSTD and COMPRESS_DEFLATE say that configure has found theirs. */
#ifndef COMPRESS_CODERS_H
#define COMPRESS_CODERS_H

#include "coder.h"

extern const struct coder coder_br;
extern const struct coder coder_zstd;
extern const struct coder coder_gzip;
extern const struct coder coder_deflate;

#endif
