/* SPDX-License-Identifier: BSD-2-Clause */
/* inventory.h - the plugins of a configuration in words.
 *
 * An entry is one image, with all sections that name its file.  Not here: the
 * sections themselves (sections.h), and what routes make of them (describe.h).
 * Called by dry.c. */
#ifndef SERVE_INVENTORY_H
#define SERVE_INVENTORY_H

#include <stddef.h>
#include <stdio.h>

struct section;

/* The n sections, all of them loaded: a table with the first digits of each
 * sha256 and a line for each command, or JSON with all there is to say of an
 * image and of what it declares. [control] */
void inventory_print(FILE *out, const struct section *sections, size_t n,
                     int as_json);

#endif
