/* SPDX-License-Identifier: BSD-2-Clause */
/* diag.c - see diag.h. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 64 /* longer names get no suggestion */

void
diag_init(struct diag *d)
{
    *d = (struct diag){.last = &d->first};
}

void
diag_fini(struct diag *d)
{
    struct diag_item *i = d->first;

    while (i) {
        struct diag_item *next = i->next;

        free(i);
        i = next;
    }
    diag_init(d);
}

/* "conf/etude.ini:12: ", "conf/etude.ini: " or "", as snprintf. */
static int
place_text(char *out, size_t cap, const struct place *at)
{
    if (!at || !at->file)
        return snprintf(out, cap, "%s", "");
    if (at->line == 0)
        return snprintf(out, cap, "%s: ", at->file);
    return snprintf(out, cap, "%s:%u: ", at->file, at->line);
}

PRINTF(4, 0)
static void
add(struct diag *d, int is_warning, const struct place *at, const char *fmt,
    va_list ap)
{
    struct diag_item *item;
    va_list again;
    int n_place = place_text(NULL, 0, at), n_text;

    *(is_warning ? &d->n_warnings : &d->n_errors) += 1;
    va_copy(again, ap);
    n_text = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n_place < 0 || n_text < 0)
        return;
    item = malloc(sizeof *item + (size_t)n_place + (size_t)n_text + 1);
    if (!item)
        return;
    item->next = NULL;
    item->is_warning = is_warning;
    place_text(item->text, (size_t)n_place + 1, at);
    vsnprintf(item->text + n_place, (size_t)n_text + 1, fmt, ap);
    *d->last = item;
    d->last = &item->next;
}

void
diag_error(struct diag *d, const struct place *at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(d, 0, at, fmt, ap);
    va_end(ap);
}

void
diag_warn(struct diag *d, const struct place *at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(d, 1, at, fmt, ap);
    va_end(ap);
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
    a = a < b ? a : b;
    return a < c ? a : c;
}

/* Insertions, deletions and replacements that make b of a (Levenshtein). */
static unsigned
edit_distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    unsigned row[NAME_MAX_LEN + 1]; /* distances of b's beginnings */

    for (unsigned j = 0; j <= n_b; j++)
        row[j] = j;
    for (unsigned i = 1; i <= n_a; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= n_b; j++) {
            unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            row[j] = min3(replaced, row[j] + 1, row[j - 1] + 1);
        }
    }
    return row[n_b];
}

const char *
diag_nearest(const char *got, const char *const *known, size_t n)
{
    size_t len = strlen(got);
    unsigned best = 2 + (unsigned)(len / 4); /* one too far */
    const char *nearest = NULL;

    if (len > NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t known_len = strlen(known[i]);
        unsigned distance;

        if (known_len > NAME_MAX_LEN)
            continue;
        distance = edit_distance(got, len, known[i], known_len);
        if (distance < best) {
            best = distance;
            nearest = known[i];
        }
    }
    return nearest;
}

void
diag_print(const struct diag *d, FILE *out)
{
    for (const struct diag_item *i = d->first; i; i = i->next)
        fprintf(out, "%s%s\n", i->is_warning ? "warning: " : "", i->text);
}
