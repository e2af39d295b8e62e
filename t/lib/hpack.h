/* SPDX-License-Identifier: BSD-2-Clause */
/* hpack.h - the header compression of HTTP/2 for tests (RFC 7541): an encoder
 * that writes what it is told, right or wrong, and a decoder that fails the
 * test if a block is not right.  Shares no line with what the server uses. */
#ifndef T_LIB_HPACK_H
#define T_LIB_HPACK_H

#include <stddef.h>
#include <stdint.h>

#include "t/lib/bytes.h"

/* How a literal is written (6.2), and whether its strings are in Huffman's
 * code. */
enum hpack_how { HPACK_PLAIN = 0x00, HPACK_NEVER = 0x10, HPACK_ADD = 0x40 };
#define HPACK_HUFFMAN 0x100

/* An integer in the last `bits` of a byte that begins with `first` (5.1). */
void hpack_int(struct bytes *to, unsigned first, int bits, uint64_t value);
/* A string (5.2); how: HPACK_HUFFMAN or 0. */
void hpack_string(struct bytes *to, int how, const void *p, size_t n);
/* Field number index of both tables, name and value (6.1). */
void hpack_indexed(struct bytes *to, uint64_t index);
/* A literal whose name is that of number index, or that has its own. */
void hpack_named(struct bytes *to, int how, uint64_t index, const char *value);
void hpack_field(struct bytes *to, int how, const char *name,
                 const char *value);
/* The table of who reads this has so many bytes from now on (6.3). */
void hpack_size(struct bytes *to, uint64_t bytes);
/* One field a line of text, "name: value\n"; a name may begin with ':'. */
void hpack_fields(struct bytes *to, int how, const char *text);

/* What one side has said so far.  Begin with hpack_table_init. */
struct hpack_table {
    struct hpack_entry {
        char *name, *value;
    } * entries; /* the youngest first */
    size_t n, cap;
    size_t size, most;    /* bytes as 4.1 counts them */
    size_t limit;         /* what most may be set to */
    unsigned n_resizings; /* times that most was set */
};

void hpack_table_init(struct hpack_table *t);
void hpack_table_free(struct hpack_table *t);
/* The fields of a block, "name: value\r\n" each. */
void hpack_decode(struct hpack_table *t, const void *p, size_t n,
                  struct bytes *fields);

#endif
