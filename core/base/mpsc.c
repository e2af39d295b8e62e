/* SPDX-License-Identifier: BSD-2-Clause */
/* mpsc.c - see mpsc.h. */
#include "base/mpsc.h"

void
mpsc_init(struct mpsc *l)
{
    atomic_init(&l->top, NULL);
}

int
mpsc_push(struct mpsc *l, struct mpsc_node *n)
{
    struct mpsc_node *top = atomic_load_explicit(&l->top, memory_order_relaxed);

    do {
        n->next = top;
    } while (!atomic_compare_exchange_weak_explicit(
        &l->top, &top, n, memory_order_release, memory_order_relaxed));
    return top == NULL;
}

struct mpsc_node *
mpsc_take_all(struct mpsc *l)
{
    struct mpsc_node *n =
        atomic_exchange_explicit(&l->top, NULL, memory_order_acquire);
    struct mpsc_node *first = NULL;

    while (n) {
        struct mpsc_node *next = n->next;

        n->next = first;
        first = n;
        n = next;
    }
    return first;
}

int
mpsc_is_empty(const struct mpsc *l)
{
    return atomic_load_explicit(&l->top, memory_order_relaxed) == NULL;
}
