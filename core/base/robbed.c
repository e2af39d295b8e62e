/* SPDX-License-Identifier: BSD-2-Clause */
/* robbed.c - see robbed.h. */
#include "base/robbed.h"

#include <stdatomic.h>
#include <stdio.h>

static struct {
    _Atomic int is_taken, is_there; /* somebody writes text; it is written */
    char text[64];
} note;

void
robbed_note(const char *what, int fd)
{
    if (atomic_exchange(&note.is_taken, 1))
        return;
    snprintf(note.text, sizeof note.text,
             fd < 0 ? "a plugin has closed %.27s"
                    : "a plugin has closed %.27s (descriptor %d)",
             what, fd);
    atomic_store(&note.is_there, 1);
}

const char *
robbed_look(void)
{
    return atomic_load_explicit(&note.is_there, memory_order_acquire)
               ? note.text
               : NULL;
}
