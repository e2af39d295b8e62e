/* SPDX-License-Identifier: BSD-2-Clause */
/* static.c - what the plugin static reads of clients: a Range, a date, a path;
 * the first byte says how long the file is. */
#include <stdlib.h>

#include "plugins/static/path.c"
#include "plugins/static/range.c"

#define LAST INT64_C(253402300799) /* of the year 9999 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int ok)
{
    if (!ok)
        abort();
}

/* Every part is within the file, and none touches another. */
static void
check_range(et_str s, uint64_t size)
{
    struct range v[RANGE_MAX];
    const int n = range_parse(s, size, v);

    require(n >= RANGE_NONE && n != 0 && n <= RANGE_MAX);
    for (int i = 0; i < n; i++) {
        require(v[i].n > 0 && v[i].n <= size && v[i].from <= size - v[i].n);
        for (int k = 0; k < i; k++)
            require(v[i].from > v[k].from + v[k].n + RANGE_GAP ||
                    v[k].from > v[i].from + v[i].n + RANGE_GAP);
    }
}

/* What is written is read as the same. */
static void
check_date(et_str s)
{
    char text[ET_DATE_LEN + 1];
    int64_t t = 0, again = -1;

    if (et_to_date(s, &t) < 0 || t < 0 || t > LAST)
        return;
    et_date_to(text, t);
    require(et_to_date(et_s(text), &again) == 0 && again == t);
}

static int
has(et_str s, const char *part)
{
    return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

/* No good path leads out, or is another's second name. */
static void
check_path(et_str s)
{
    char *out = malloc(3 * s.n + 1);
    et_str coded;

    require(out != NULL);
    coded = et_sn(out, path_encode(s, out));
    require(coded.n >= s.n && coded.n <= 3 * s.n);
    (void)path_matches(s, coded);
    if (s.n && path_is_good(s, 1)) {
        require(s.p[0] != '/' && !has(s, "//") && !has(s, "\\"));
        require(!has(s, "/../") && !has(s, "/./") && !has(s, "%2f"));
        require(s.n < 3 || memcmp(s.p, "../", 3) != 0);
        require(memchr(s.p, 0, s.n) == NULL && memchr(s.p, '\n', s.n) == NULL);
    }
    if (path_is_good(s, 0))
        require(path_is_good(s, 1));
    free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    et_str s;

    if (size == 0)
        return 0;
    s = et_sn(data + 1, size - 1);
    check_range(s, (uint64_t)data[0] * data[0] * data[0]);
    check_range(s, UINT64_C(1) << (data[0] & 62));
    check_date(s);
    check_path(s);
    return 0;
}
