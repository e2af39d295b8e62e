/* SPDX-License-Identifier: BSD-2-Clause */
/* hpack.c - see hpack.h. */
#include "t/lib/hpack.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define N_SYMBOLS 257 /* the last is the end of the string */

/* Bits of each symbol's code.  The codes are canonical: in the order of their
 * lengths, and of the symbols within one, they are consecutive numbers (RFC
 * 7541, appendix B). */
/* clang-format off */
static const unsigned char lengths[N_SYMBOLS] = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30};

/* Appendix A. */
static const struct hpack_entry fixed[] = {
    {":authority", ""}, {":method", "GET"}, {":method", "POST"},
    {":path", "/"}, {":path", "/index.html"}, {":scheme", "http"},
    {":scheme", "https"}, {":status", "200"}, {":status", "204"},
    {":status", "206"}, {":status", "304"}, {":status", "400"},
    {":status", "404"}, {":status", "500"}, {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"}, {"accept-language", ""},
    {"accept-ranges", ""}, {"accept", ""}, {"access-control-allow-origin", ""},
    {"age", ""}, {"allow", ""}, {"authorization", ""}, {"cache-control", ""},
    {"content-disposition", ""}, {"content-encoding", ""},
    {"content-language", ""}, {"content-length", ""}, {"content-location", ""},
    {"content-range", ""}, {"content-type", ""}, {"cookie", ""}, {"date", ""},
    {"etag", ""}, {"expect", ""}, {"expires", ""}, {"from", ""}, {"host", ""},
    {"if-match", ""}, {"if-modified-since", ""}, {"if-none-match", ""},
    {"if-range", ""}, {"if-unmodified-since", ""}, {"last-modified", ""},
    {"link", ""}, {"location", ""}, {"max-forwards", ""},
    {"proxy-authenticate", ""}, {"proxy-authorization", ""}, {"range", ""},
    {"referer", ""}, {"refresh", ""}, {"retry-after", ""}, {"server", ""},
    {"set-cookie", ""}, {"strict-transport-security", ""},
    {"transfer-encoding", ""}, {"user-agent", ""}, {"vary", ""}, {"via", ""},
    {"www-authenticate", ""}};
/* clang-format on */
#define N_FIXED (sizeof fixed / sizeof fixed[0])

static uint32_t codes[N_SYMBOLS];

static void
make_codes(void)
{
    uint32_t code = 0;

    if (codes[N_SYMBOLS - 1])
        return;
    for (unsigned bits = 5; bits <= 30; bits++, code <<= 1)
        for (int i = 0; i < N_SYMBOLS; i++)
            if (lengths[i] == bits)
                codes[i] = code++;
}

/* ---- out -----------------------------------------------------------------*/

void
hpack_int(struct bytes *to, unsigned first, int bits, uint64_t value)
{
    uint64_t most = (1u << bits) - 1;

    if (value < most) {
        bytes_number(to, 1, first | value);
        return;
    }
    bytes_number(to, 1, first | most);
    for (value -= most; value >= 128; value >>= 7)
        bytes_number(to, 1, 128 | (value & 127));
    bytes_number(to, 1, value);
}

static void
put_huffman(struct bytes *to, const unsigned char *p, size_t n)
{
    uint64_t held = 0;
    unsigned bits = 0;

    make_codes();
    for (size_t i = 0; i < n; i++) {
        held = held << lengths[p[i]] | codes[p[i]];
        for (bits += lengths[p[i]]; bits >= 8; bits -= 8)
            bytes_number(to, 1, held >> (bits - 8));
    }
    if (bits > 0) /* the rest is the beginning of the end's code, all ones */
        bytes_number(to, 1, held << (8 - bits) | 0xffu >> bits);
}

void
hpack_string(struct bytes *to, int how, const void *p, size_t n)
{
    struct bytes coded = {0};

    if (!(how & HPACK_HUFFMAN)) {
        hpack_int(to, 0, 7, n);
        bytes_put(to, p, n);
        return;
    }
    put_huffman(&coded, p, n);
    hpack_int(to, 0x80, 7, coded.n);
    bytes_put(to, coded.p, coded.n);
    bytes_free(&coded);
}

void
hpack_indexed(struct bytes *to, uint64_t index)
{
    hpack_int(to, 0x80, 7, index);
}

static void
put_literal(struct bytes *to, int how, uint64_t index)
{
    hpack_int(to, how & 0xff, how & HPACK_ADD ? 6 : 4, index);
}

void
hpack_named(struct bytes *to, int how, uint64_t index, const char *value)
{
    put_literal(to, how, index);
    hpack_string(to, how, value, strlen(value));
}

void
hpack_field(struct bytes *to, int how, const char *name, const char *value)
{
    put_literal(to, how, 0);
    hpack_string(to, how, name, strlen(name));
    hpack_string(to, how, value, strlen(value));
}

void
hpack_size(struct bytes *to, uint64_t bytes)
{
    hpack_int(to, 0x20, 5, bytes);
}

void
hpack_fields(struct bytes *to, int how, const char *text)
{
    while (*text) {
        const char *end = strchrnul(text, '\n'),
                   *colon = strstr(text + 1, ": ");
        ck_assert_msg(colon && colon < end, "no field: %s", text);
        put_literal(to, how, 0);
        hpack_string(to, how, text, (size_t)(colon - text));
        hpack_string(to, how, colon + 2, (size_t)(end - colon) - 2);
        text = end + (*end != '\0');
    }
}

/* ---- in ------------------------------------------------------------------*/

void
hpack_table_init(struct hpack_table *t)
{
    *t = (struct hpack_table){.most = 4096, .limit = 4096};
}

static void
evict(struct hpack_table *t, size_t most)
{
    while (t->size > most) {
        struct hpack_entry *e = &t->entries[--t->n];
        t->size -= strlen(e->name) + strlen(e->value) + 32;
        free(e->name);
        free(e->value);
    }
}

void
hpack_table_free(struct hpack_table *t)
{
    evict(t, 0);
    free(t->entries);
    *t = (struct hpack_table){0};
}

static void
add(struct hpack_table *t, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 32;

    if (size > t->most) { /* which empties it (4.4) */
        evict(t, 0);
        return;
    }
    evict(t, t->most - size);
    if (t->n == t->cap) {
        t->cap = t->cap * 2 + 16;
        t->entries = realloc(t->entries, t->cap * sizeof t->entries[0]);
        ck_assert_ptr_nonnull(t->entries);
    }
    memmove(t->entries + 1, t->entries, t->n * sizeof t->entries[0]);
    t->entries[0] = (struct hpack_entry){strdup(name), strdup(value)};
    t->n++;
    t->size += size;
}

static const struct hpack_entry *
entry(const struct hpack_table *t, uint64_t index)
{
    ck_assert_msg(index > 0 && index <= N_FIXED + t->n, "no field %llu of %zu",
                  (unsigned long long)index, N_FIXED + t->n);
    return index <= N_FIXED ? &fixed[index - 1]
                            : &t->entries[index - N_FIXED - 1];
}

struct block {
    const unsigned char *at, *end;
};

static unsigned
next_byte(struct block *b)
{
    ck_assert_msg(b->at < b->end, "a block of fields is cut");
    return *b->at++;
}

static uint64_t
get_int(struct block *b, int bits)
{
    uint64_t most = (1u << bits) - 1, value = next_byte(b) & most;
    unsigned byte = 0x80;

    if (value < most)
        return value;
    for (int shift = 0; byte & 0x80; shift += 7) {
        ck_assert_int_lt(shift, 35);
        byte = next_byte(b);
        value += (uint64_t)(byte & 0x7f) << shift;
    }
    return value;
}

/* The symbol that the next bits are the code of, or -1: there is none. */
static int
symbol_of(uint32_t code, unsigned bits)
{
    for (int i = 0; i < N_SYMBOLS; i++)
        if (lengths[i] == bits && codes[i] == code)
            return i;
    return -1;
}

static void
get_huffman(const unsigned char *p, size_t n, struct bytes *to)
{
    uint32_t code = 0;
    unsigned bits = 0;

    make_codes();
    for (size_t i = 0; i < n * 8; i++) {
        int symbol;
        code = code << 1 | (p[i / 8] >> (7 - i % 8) & 1);
        bits++;
        if (bits < 5 || (symbol = symbol_of(code, bits)) < 0)
            continue;
        ck_assert_int_ne(symbol, N_SYMBOLS - 1);
        bytes_number(to, 1, (uint64_t)symbol);
        code = bits = 0;
    }
    ck_assert_msg(bits < 8 && code == (1u << bits) - 1, "wrong padding");
}

static char *
get_string(struct block *b)
{
    int is_huffman = b->at < b->end && *b->at & 0x80;
    size_t n = get_int(b, 7);
    struct bytes text = {0};

    ck_assert_msg(n <= (size_t)(b->end - b->at), "a string is cut");
    bytes_put(&text, "", 0);
    if (is_huffman)
        get_huffman(b->at, n, &text);
    else
        bytes_put(&text, b->at, n);
    b->at += n;
    ck_assert_msg(strlen(text.p) == text.n, "NUL in a string");
    return text.p;
}

static void
give(struct bytes *fields, const char *name, const char *value)
{
    bytes_puts(fields, name);
    bytes_puts(fields, ": ");
    bytes_puts(fields, value);
    bytes_puts(fields, "\r\n");
}

static void
get_literal(struct hpack_table *t, struct block *b, struct bytes *fields)
{
    int is_added = (*b->at & 0xc0) == HPACK_ADD;
    uint64_t index = get_int(b, is_added ? 6 : 4);
    char *name = index ? strdup(entry(t, index)->name) : get_string(b);
    char *value = get_string(b);

    give(fields, name, value);
    if (is_added)
        add(t, name, value);
    free(name);
    free(value);
}

void
hpack_decode(struct hpack_table *t, const void *p, size_t n,
             struct bytes *fields)
{
    struct block b = {p, (const unsigned char *)p + n};

    while (b.at < b.end) {
        if (*b.at & 0x80) {
            const struct hpack_entry *e = entry(t, get_int(&b, 7));
            give(fields, e->name, e->value);
        } else if ((*b.at & 0xe0) == 0x20) {
            ck_assert_msg(fields->n == 0, "a size behind a field");
            t->most = get_int(&b, 5);
            ck_assert_uint_le(t->most, t->limit);
            evict(t, t->most);
            t->n_resizings++;
        } else {
            get_literal(t, &b, fields);
        }
    }
}
