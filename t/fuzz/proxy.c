/* SPDX-License-Identifier: BSD-2-Clause */
/* proxy.c - a PROXY header: a verdict once given on a prefix stays. */
#include "proto/proxy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int ok)
{
    if (!ok)
        abort();
}

static int
parse(const uint8_t *data, size_t n, int is_optional, struct proxy *out)
{
    char *copy = malloc(n > 0 ? n : 1);
    int rc;

    require(copy != NULL);
    memcpy(copy, data, n);
    rc = proxy_parse(copy, n, PROXY_V1 | PROXY_V2, is_optional, out);
    free(copy);
    return rc;
}

static void
check(const uint8_t *data, size_t size, int is_optional)
{
    struct proxy whole, part;
    int rc, rc_whole = parse(data, size, is_optional, &whole);

    if (rc_whole == PROXY_DONE)
        require(whole.head_len <= size && whole.head_len <= PROXY_HEAD_MAX);
    for (size_t n = 0; n < size && n < 300; n++) {
        rc = parse(data, n, is_optional, &part);
        if (rc == PROXY_MORE)
            continue;
        require(rc == rc_whole);
        if (rc == PROXY_DONE)
            require(part.head_len == whole.head_len &&
                    memcmp(&part.src, &whole.src, sizeof(part.src)) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size, 0);
    check(data, size, 1);
    return 0;
}
