/* SPDX-License-Identifier: BSD-2-Clause */
/* unit.c - see unit.h. */
#include "conf/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* A rate's factor is the milliseconds it counts over.  The first row of a type
 * that divides a number is how the number is written. */
/* clang-format off */
static const struct unit {
    uint32_t type;
    const char *name;
    int64_t factor;
} units[] = {
    {VALUE_SIZE, "g", 1 << 30},  {VALUE_SIZE, "m", 1 << 20},
    {VALUE_SIZE, "k", 1 << 10},  {VALUE_SIZE, "", 1},
    {VALUE_SIZE, "G", 1 << 30},  {VALUE_SIZE, "M", 1 << 20},
    {VALUE_SIZE, "K", 1 << 10},  {VALUE_SIZE, "GiB", 1 << 30},
    {VALUE_SIZE, "MiB", 1 << 20}, {VALUE_SIZE, "KiB", 1 << 10},
    {VALUE_TIME, "d", 86400000}, {VALUE_TIME, "h", 3600000},
    {VALUE_TIME, "m", 60000},    {VALUE_TIME, "s", 1000},
    {VALUE_TIME, "ms", 1},
    {VALUE_RATE, "h", 3600000},  {VALUE_RATE, "m", 60000},
    {VALUE_RATE, "s", 1000},
};
/* clang-format on */

int
unit_digits(et_str *s, int64_t *out)
{
    int64_t n = 0;

    if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9')
        return ERR_INVALID;
    for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; s->p++, s->n--)
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, s->p[0] - '0', &n))
            return ERR_INVALID;
    *out = n;
    return 0;
}

static const struct unit *
find(uint32_t type, et_str name)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(units); i++)
        if (units[i].type == type && strlen(units[i].name) == name.n &&
            memcmp(units[i].name, name.p, name.n) == 0)
            return &units[i];
    return NULL;
}

int
unit_factor(uint32_t type, et_str name, int64_t *out)
{
    const struct unit *unit = find(type, name);

    if (!unit)
        return ERR_INVALID;
    *out = unit->factor;
    return 0;
}

int
unit_parse(uint32_t type, et_str s, int64_t *out)
{
    int64_t n, factor;

    if (unit_digits(&s, &n))
        return ERR_INVALID;
    if (type == VALUE_TIME && n == 0 && s.n == 0)
        factor = 1;
    else if (unit_factor(type, s, &factor))
        return ERR_INVALID;
    return __builtin_mul_overflow(n, factor, out) ? ERR_INVALID : 0;
}

void
unit_write(uint32_t type, int64_t n, char *buf, size_t cap)
{
    size_t i;

    for (i = 0; type != VALUE_RATE && n != 0 && i < ARRAY_LEN(units); i++)
        if (units[i].type == type && n % units[i].factor == 0) {
            snprintf(buf, cap, "%" PRId64 "%s", n / units[i].factor,
                     units[i].name);
            return;
        }
    snprintf(buf, cap, "%" PRId64, n);
}
