/* SPDX-License-Identifier: BSD-2-Clause */
/* domains.c - see domains.h. */
#include "tls/domains.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

struct domains_row {
    char *name;
    uint32_t n;
    uint32_t value;
    uint32_t order; /* of the adds: among equals the first one counts */
};

void
domains_init(struct domains *d)
{
    *d = (struct domains){0};
}

void
domains_fini(struct domains *d)
{
    for (uint32_t i = 0; i < d->n; i++)
        free(d->rows[i].name);
    free(d->rows);
    *d = (struct domains){0};
}

static int
grow(struct domains *d)
{
    uint32_t cap = d->cap ? 2 * d->cap : 16;
    struct domains_row *rows = realloc(d->rows, cap * sizeof *rows);

    if (!rows)
        return ERR_NOMEM;
    d->rows = rows;
    d->cap = cap;
    return 0;
}

/* host as the table has it, in to; how many bytes; 0: it cannot be in it. */
static size_t
canonical(et_str host, char to[DOMAINS_NAME_MAX])
{
    if (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;
    if (host.n > DOMAINS_NAME_MAX)
        return 0;
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        to[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return host.n;
}

int
domains_add(struct domains *d, et_str name, uint32_t value)
{
    char lower[DOMAINS_NAME_MAX];
    size_t n = canonical(name, lower);
    struct domains_row *row;

    if (n == 0)
        return ERR_LIMIT;
    if (d->n == d->cap && grow(d) < 0)
        return ERR_NOMEM;
    row = &d->rows[d->n];
    *row = (struct domains_row){
        .name = malloc(n), .n = (uint32_t)n, .value = value, .order = d->n};
    if (!row->name)
        return ERR_NOMEM;
    memcpy(row->name, lower, n);
    d->n++;
    return 0;
}

static int
compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len != b_len)
        return a_len < b_len ? -1 : 1;
    return memcmp(a, b, a_len);
}

static int
by_name(const void *a, const void *b)
{
    const struct domains_row *x = a, *y = b;
    int rc = compare_names(x->name, x->n, y->name, y->n);

    return rc ? rc : x->order < y->order ? -1 : 1;
}

void
domains_seal(struct domains *d)
{
    if (d->n > 0)
        qsort(d->rows, d->n, sizeof *d->rows, by_name);
}

/* The first row that is not less than the name. */
static int
look_up(const struct domains *d, const char *p, size_t n, uint32_t *value)
{
    uint32_t low = 0, high = d->n;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct domains_row *row = &d->rows[mid];

        if (compare_names(row->name, row->n, p, n) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == d->n ||
        compare_names(d->rows[low].name, d->rows[low].n, p, n) != 0)
        return 0;
    *value = d->rows[low].value;
    return 1;
}

/* "a.example.com" becomes "*.example.com", in place or one byte to the left of
 * its dot; NULL: there is no dot, or it has one label that is empty. */
static const char *
wildcard_of(char *host, size_t *n)
{
    char *dot = memchr(host, '.', *n);

    if (!dot || dot == host || dot == host + *n - 1)
        return NULL;
    dot[-1] = '*';
    *n -= (size_t)(dot - 1 - host);
    return dot - 1;
}

int
domains_find(const struct domains *d, et_str host, uint32_t *value)
{
    char lower[DOMAINS_NAME_MAX];
    size_t n = canonical(host, lower);
    const char *wild;

    if (n == 0)
        return 0;
    if (look_up(d, lower, n, value))
        return 1;
    wild = wildcard_of(lower, &n);
    return wild && look_up(d, wild, n, value);
}

int
domains_covers(et_str name, et_str host)
{
    char lower[DOMAINS_NAME_MAX], known[DOMAINS_NAME_MAX];
    size_t n = canonical(host, lower), n_known = canonical(name, known);
    const char *wild;

    if (n == 0 || n_known == 0)
        return 0;
    if (compare_names(lower, n, known, n_known) == 0)
        return 1;
    wild = wildcard_of(lower, &n);
    return wild && compare_names(wild, n, known, n_known) == 0;
}
