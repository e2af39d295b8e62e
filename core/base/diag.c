/* SPDX-License-Identifier: BSD-2-Clause */
/* diag.c - see diag.h. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

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

/* The message, with n_place bytes for the place and n_text for the rest. */
PRINTF(5, 0)
static struct diag_item *
new_item(size_t n_place, size_t n_text, enum diag_kind kind,
         const struct place *at, const char *fmt, va_list ap)
{
    struct diag_item *item = malloc(sizeof *item + n_place + n_text + 1);

    if (!item)
        return NULL;
    item->next = NULL;
    item->kind = kind;
    place_text(item->text, n_place + 1, at);
    vsnprintf(item->text + n_place, n_text + 1, fmt, ap);
    return item;
}

PRINTF(3, 0)
static struct diag_item *
format(enum diag_kind kind, const struct place *at, const char *fmt, va_list ap)
{
    int n_place = place_text(NULL, 0, at), n_text;
    va_list again;

    va_copy(again, ap);
    n_text = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n_place < 0 || n_text < 0)
        return NULL;
    return new_item((size_t)n_place, (size_t)n_text, kind, at, fmt, ap);
}

static struct diag_item **
bucket_of(struct diag *d, const char *text)
{
    return &d->buckets[hash_bytes(text, strlen(text), 0) % DIAG_BUCKETS];
}

static int
says(struct diag *d, const char *text)
{
    const struct diag_item *i = *bucket_of(d, text);

    while (i && strcmp(i->text, text) != 0)
        i = i->bucket;
    return i != NULL;
}

static void
keep(struct diag *d, struct diag_item *item)
{
    struct diag_item **bucket = bucket_of(d, item->text);

    item->bucket = *bucket;
    *bucket = item;
    *d->last = item;
    d->last = &item->next;
    d->share[item->kind].kept++;
}

PRINTF(4, 0)
static void
add(struct diag *d, enum diag_kind kind, const struct place *at,
    const char *fmt, va_list ap)
{
    struct diag_item *item = format(kind, at, fmt, ap);
    struct diag_share *share = &d->share[kind];

    d->n_errors += kind == DIAG_ERROR;
    d->n_warnings += kind == DIAG_WARNING;
    if (item && d->says_once && says(d, item->text)) {
        free(item);
    } else if (item && share->kept < DIAG_MAX_KEPT) {
        keep(d, item);
    } else {
        share->untold++;
        free(item);
    }
}

void
diag_error(struct diag *d, const struct place *at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(d, DIAG_ERROR, at, fmt, ap);
    va_end(ap);
}

void
diag_warn(struct diag *d, const struct place *at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(d, DIAG_WARNING, at, fmt, ap);
    va_end(ap);
}

void
diag_note(struct diag *d, const struct place *at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(d, DIAG_NOTE, at, fmt, ap);
    va_end(ap);
}

void
diag_merge(struct diag *d, const struct diag *from)
{
    for (const struct diag_item *i = from->first; i; i = i->next) {
        if (says(d, i->text))
            continue;
        if (i->kind == DIAG_NOTE)
            diag_note(d, NULL, "%s", i->text);
        else if (i->kind == DIAG_WARNING)
            diag_warn(d, NULL, "%s", i->text);
        else
            diag_error(d, NULL, "%s", i->text);
    }
    for (int k = 0; k < DIAG_KINDS; k++)
        d->share[k].untold += from->share[k].untold;
    d->n_errors += from->share[DIAG_ERROR].untold;
    d->n_warnings += from->share[DIAG_WARNING].untold;
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
diag_more(struct diag *d, enum diag_kind kind, uint32_t n)
{
    d->share[kind].untold += n;
    if (kind == DIAG_ERROR)
        d->n_errors += n;
    else if (kind == DIAG_WARNING)
        d->n_warnings += n;
}

const char *
diag_rest(const struct diag *d, char buf[DIAG_REST_LEN])
{
    uint32_t errors = d->share[DIAG_ERROR].untold;
    uint32_t warnings = d->share[DIAG_WARNING].untold;

    if (errors && warnings)
        snprintf(buf, DIAG_REST_LEN, "and %u more error(s), %u more warning(s)",
                 errors, warnings);
    else if (errors || warnings)
        snprintf(buf, DIAG_REST_LEN, "and %u more %s(s)", errors | warnings,
                 errors ? "error" : "warning");
    return errors || warnings ? buf : NULL;
}

void
diag_print(const struct diag *d, FILE *out)
{
    char buf[DIAG_REST_LEN];
    const char *rest = diag_rest(d, buf);

    for (const struct diag_item *i = d->first; i; i = i->next) {
        if (i->kind != DIAG_NOTE)
            fprintf(out, "%s%s\n", i->kind == DIAG_WARNING ? "warning: " : "",
                    i->text);
    }
    if (rest)
        fprintf(out, "%s\n", rest);
}
