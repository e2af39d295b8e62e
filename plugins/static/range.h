/* SPDX-License-Identifier: BSD-2-Clause */
/* range.h - which parts of a file are asked for (RFC 9110 14.1, 14.2). */
#ifndef STATIC_RANGE_H
#define STATIC_RANGE_H

#include <etude.h>

/* An answer has no more parts than that: who asks for more gets all of it. */
#define RANGE_MAX 16
/* No more are read: it is nonsense, or an attack. */
#define RANGE_SPECS_MAX 64
/* Two parts with less than this between them are one: to say where the second
 * one begins takes as much. */
#define RANGE_GAP 128u

struct range {
    uint64_t from, n; /* n > 0 */
};

#define RANGE_ALL (-1)  /* no range, another unit, malformed, or too many */
#define RANGE_NONE (-2) /* none of them is within the file: 416 */

/* The parts that value asks for of size bytes: how many, in the order of the
 * first that each is made of, none of them overlapping; or RANGE_ALL,
 * RANGE_NONE. [any] */
int range_parse(et_str value, uint64_t size, struct range v[RANGE_MAX]);

#endif
