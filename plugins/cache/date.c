/* SPDX-License-Identifier: BSD-2-Clause */
/* date.c - see date.h. */
#define _GNU_SOURCE
#include "date.h"

#include <time.h>

int
date_parse(et_str s, int64_t *t)
{
    /* The names of days and months are those of the locale "C", which nothing
     * in a server changes. */
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT",
                                        "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %d %H:%M:%S %Y"};
    char text[48];
    size_t i;
    if (s.n == 0 || s.n >= sizeof text)
        return -1;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    for (i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct tm tm;
        const char *end;
        memset(&tm, 0, sizeof tm);
        end = strptime(text, forms[i], &tm);
        if (end && end == text + s.n) {
            *t = timegm(&tm);
            return 0;
        }
    }
    return -1;
}
