/* SPDX-License-Identifier: BSD-2-Clause */
/* bytes.h - bytes that are put one behind the other, for tests. */
#ifndef T_LIB_BYTES_H
#define T_LIB_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Zeros are none; NUL follows them, uncounted, once there are any. */
struct bytes {
    char *p;
    size_t n, cap;
};

void bytes_put(struct bytes *b, const void *p, size_t n);
void bytes_puts(struct bytes *b, const char *text);
/* The last len bytes of value, as networks have them; len <= 8. */
void bytes_number(struct bytes *b, size_t len, uint64_t value);
void bytes_free(struct bytes *b);

#endif
