/* SPDX-License-Identifier: BSD-2-Clause */
/* memory.c - see memory.h. */
#include "memory.h"

#include <stdalign.h>
#include <stdlib.h>

struct memory_block {
    alignas(max_align_t) struct memory_block *next;
    size_t n; /* bytes behind it */
    int is_used;
};

/* An idle one that has room, and not more than twice of it. */
static struct memory_block *
find(const struct memory *m, size_t n)
{
    struct memory_block *b = m->blocks;
    while (b && (b->is_used || b->n < n || b->n / 2 > n))
        b = b->next;
    return b;
}

/* Free blocks, idle ones or all, until there are no more than max bytes. */
static void
shrink(struct memory *m, size_t max, int all)
{
    struct memory_block **at = &m->blocks, *b;
    while (m->bytes > max && (b = *at) != NULL) {
        if (b->is_used && !all) {
            at = &b->next;
            continue;
        }
        *at = b->next;
        m->bytes -= sizeof *b + b->n;
        free(b);
    }
}

void *
memory_take(struct memory *m, size_t n)
{
    struct memory_block *b = find(m, n);
    if (b) {
        b->is_used = 1;
        return b + 1;
    }
    if (n > m->max - sizeof *b)
        return NULL;
    shrink(m, m->max - sizeof *b - n, 0);
    if (m->bytes > m->max - sizeof *b - n)
        return NULL;
    b = malloc(sizeof *b + n);
    if (!b)
        return NULL;
    *b = (struct memory_block){m->blocks, n, 1};
    m->blocks = b;
    m->bytes += sizeof *b + n;
    return b + 1;
}

void
memory_give(void *p)
{
    if (p)
        ((struct memory_block *)p - 1)->is_used = 0;
}

void
memory_end(struct memory *m)
{
    shrink(m, 0, 1);
}
