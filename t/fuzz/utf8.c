/* SPDX-License-Identifier: BSD-2-Clause */
/* utf8.c - a text, whole and in pieces: wrong at the same byte, or right as
 * base/str.h finds it, character by character. */
#include "proto/utf8.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int ok)
{
    if (!ok)
        abort();
}

/* One piece, in a block of exactly its size. */
static int
feed(struct utf8 *u, const uint8_t *data, size_t n)
{
    char *copy = malloc(n > 0 ? n : 1);
    int rc;

    require(copy != NULL);
    memcpy(copy, data, n);
    rc = utf8_feed(u, copy, n);
    free(copy);
    return rc;
}

/* The first byte that is wrong; size if none is. */
static size_t
drip(struct utf8 *u, const uint8_t *data, size_t size)
{
    size_t i = 0;

    utf8_init(u);
    while (i < size && feed(u, data + i, 1) == 0)
        i++;
    return i;
}

static int
is_valid_by_str(const uint8_t *data, size_t size)
{
    size_t i = 0, len;

    while (i < size && (len = str_utf8_len(data + i, size - i)) > 0)
        i += len;
    return i == size;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct utf8 u, cut;
    size_t wrong_at = drip(&u, data, size);
    size_t at = size > 0 ? data[0] % (size + 1) : 0;
    int rc;

    utf8_init(&cut);
    rc = feed(&cut, data, at);
    require((rc < 0) == (wrong_at < at));
    if (rc == 0) {
        rc = feed(&cut, data + at, size - at);
        require((rc < 0) == (wrong_at < size));
        require(utf8_is_whole(&cut) == utf8_is_whole(&u));
    }
    require(is_valid_by_str(data, size) ==
            (wrong_at == size && utf8_is_whole(&u)));
    require(utf8_is_valid((et_str){(const char *)data, size}) ==
            is_valid_by_str(data, size));
    return 0;
}
