/* SPDX-License-Identifier: BSD-2-Clause */
/* quarantine.c - see quarantine.h. */
#include "serve/quarantine.h"

#include <stdio.h>
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

static int
bar(struct quarantine *q, const char *hash, int is_loadable, const char *why)
{
    struct quarantine_barred *b;

    if (q->n_barred == QUARANTINE_BARRED_MAX)
        return ERR_LIMIT;
    b = &q->barred[q->n_barred++];
    memcpy(b->hash, hash, sizeof b->hash);
    snprintf(b->why, sizeof b->why, "%s", why);
    b->is_loadable = is_loadable;
    return 0;
}

int
quarantine_told(struct quarantine *q, const char *text)
{
    char hash[SHA256_HEX_LEN + 1];

    if (strlen(text) <= SHA256_HEX_LEN)
        return quarantine_add(q, text);
    memcpy(hash, text, SHA256_HEX_LEN);
    hash[SHA256_HEX_LEN] = '\0';
    if (strspn(hash, "0123456789abcdef") != SHA256_HEX_LEN)
        return ERR_INVALID;
    text += SHA256_HEX_LEN;
    if (strncmp(text, " load ", 6) == 0)
        return bar(q, hash, 0, text + 6);
    if (strncmp(text, " run ", 5) == 0)
        return bar(q, hash, 1, text + 5);
    return ERR_INVALID;
}

const char *
quarantine_why(const struct quarantine *q, const char *hash, int by_loading)
{
    for (uint32_t i = 0; q && i < q->n_barred; i++) {
        const struct quarantine_barred *b = &q->barred[i];
        if (strcmp(b->hash, hash) == 0 && !(by_loading && b->is_loadable))
            return b->why;
    }
    return NULL;
}

int
quarantine_has(const struct quarantine *q, const struct plugin *p)
{
    return q && q->n > 0 && has_hash(q, p->image->hash_hex);
}
