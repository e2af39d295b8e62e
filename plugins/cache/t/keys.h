/* SPDX-License-Identifier: BSD-2-Clause */
/* keys.h - keys of tests that have no request. */
#ifndef CACHE_T_KEYS_H
#define CACHE_T_KEYS_H

#include <stdio.h>
#include <string.h>

#include "plugins/cache/hash.h"
#include "plugins/cache/key.h"

static const struct secret secret = {{1, 2}};

/* Of "http", that host and that target; its path is what is in front of '?'. */
static inline struct key
key_of(char room[256], const char *host, const char *target)
{
    struct key k;
    size_t n =
        (size_t)snprintf(room, 256, "http%c%s%c%c%s", 0, host, 0, 0, target);

    key_from(et_sn(room, n), &secret, &k);
    k.path = et_sn(room + n - strlen(target), strcspn(target, "?"));
    return k;
}

#endif
