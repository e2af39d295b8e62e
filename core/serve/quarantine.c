/* SPDX-License-Identifier: BSD-2-Clause */
/* quarantine.c - see quarantine.h. */
#include "serve/quarantine.h"

#include <string.h>

#include "base/err.h"
#include "plug/image.h"
#include "plug/plugin.h"

static int
has_hash(const struct quarantine *q, const char *hash)
{
    for (uint32_t i = 0; i < q->n; i++) {
        if (strcmp(q->hashes[i], hash) == 0)
            return 1;
    }
    return 0;
}

int
quarantine_add(struct quarantine *q, const char *hash)
{
    size_t n = strspn(hash, "0123456789abcdef");

    if (n != SHA256_HEX_LEN || hash[n] != '\0')
        return ERR_INVALID;
    if (has_hash(q, hash))
        return 0;
    if (q->n == QUARANTINE_MAX)
        return ERR_LIMIT;
    memcpy(q->hashes[q->n++], hash, n + 1);
    return 0;
}

int
quarantine_has(const struct quarantine *q, const struct plugin *p)
{
    return q && q->n > 0 && has_hash(q, p->image->hash_hex);
}
