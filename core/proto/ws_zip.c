/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_zip.c - see ws_zip.h.
 *
 * What zlib asks for is a power of two, or a little less, in each of its
 * allocations; so blocks lose nothing. */
#include "proto/ws_zip.h"

#include <string.h>
#include <zlib.h>

#include "base/blocks.h"
#include "base/err.h"

#define SERVER_BITS 12
#define CLIENT_BITS 12
#define MEMORY_LEVEL 5 /* a hash of 8 KiB, symbols of 8 KiB */
#define PARTS_MAX 8    /* allocations of both sides together */
#define STATE_BYTES 8192u

struct part {
    void *p;
    size_t size;
};

struct ws_zip {
    struct ws_deflate agreed;
    struct blocks *blocks;
    size_t size; /* of the block this is in */
    struct part parts[PARTS_MAX];
    uint8_t inflates, deflates; /* the contexts that there are */
    z_stream in, out;
};

/* ---- memory --------------------------------------------------------------*/

static void *
take(void *opaque, uInt items, uInt size)
{
    struct ws_zip *z = opaque;

    for (int i = 0; i < PARTS_MAX; i++) {
        struct part *part = &z->parts[i];
        if (part->p)
            continue;
        part->p = blocks_take(z->blocks, (size_t)items * size, &part->size);
        if (part->p) /* zlib looks at what it has not written */
            memset(part->p, 0, part->size);
        return part->p;
    }
    return NULL;
}

static void
give(void *opaque, void *p)
{
    struct ws_zip *z = opaque;

    for (int i = 0; i < PARTS_MAX; i++) {
        struct part *part = &z->parts[i];
        if (part->p != p)
            continue;
        blocks_give(z->blocks, part->p, part->size);
        part->p = NULL;
        return;
    }
}

struct ws_deflate_terms
ws_zip_terms(int fresh)
{
    return (struct ws_deflate_terms){
        .server_bits_min = 9, /* zlib has no raw window of 8 bits */
        .server_bits_max = SERVER_BITS,
        .client_bits_max = CLIENT_BITS,
        .server_no_context = fresh != 0,
        .client_no_context = fresh != 0,
    };
}

uint32_t
ws_zip_cost(const struct ws_deflate *agreed)
{
    uint32_t n = BLOCKS_MIN_BYTES;

    if (!agreed->server_no_context) /* two windows, hash, symbols */
        n += STATE_BYTES + (4u << agreed->server_bits) +
             (8u << MEMORY_LEVEL << 6);
    if (!agreed->client_no_context)
        n += STATE_BYTES + (1u << agreed->client_bits);
    return n;
}

struct ws_zip *
ws_zip_new(struct blocks *blocks, const struct ws_deflate *agreed)
{
    size_t size;
    struct ws_zip *z = blocks_take(blocks, sizeof *z, &size);

    if (!z)
        return NULL;
    *z = (struct ws_zip){.agreed = *agreed, .blocks = blocks, .size = size};
    z->in.zalloc = z->out.zalloc = take;
    z->in.zfree = z->out.zfree = give;
    z->in.opaque = z->out.opaque = z;
    return z;
}

const struct ws_deflate *
ws_zip_agreed(const struct ws_zip *z)
{
    return &z->agreed;
}

static void
end_inflate(struct ws_zip *z)
{
    if (z->inflates)
        inflateEnd(&z->in);
    z->inflates = 0;
}

static void
end_deflate(struct ws_zip *z)
{
    if (z->deflates)
        deflateEnd(&z->out);
    z->deflates = 0;
}

void
ws_zip_free(struct ws_zip *z)
{
    end_inflate(z);
    end_deflate(z);
    blocks_give(z->blocks, z, z->size);
}

/* ---- inflating -----------------------------------------------------------*/

static int
begin_inflate(struct ws_zip *z)
{
    if (!z->inflates && inflateInit2(&z->in, -z->agreed.client_bits) != Z_OK)
        return ERR_NOMEM;
    z->inflates = 1;
    return 0;
}

/* Once. */
static int
step(struct ws_zip *z)
{
    switch (inflate(&z->in, Z_SYNC_FLUSH)) {
    case Z_OK:
    case Z_BUF_ERROR: return 0; /* it waits for more, or for room */
    case Z_STREAM_END:          /* a final block: more may follow (7.2.3.4) */
        return inflateResetKeep(&z->in) == Z_OK ? 0 : ERR_INVALID;
    case Z_MEM_ERROR: return ERR_NOMEM;
    default: return ERR_INVALID;
    }
}

int
ws_zip_inflate(struct ws_zip *z, const char *p, size_t n, size_t *used,
               char *out, size_t cap, size_t *made)
{
    int rc = begin_inflate(z);
    uInt had_in, had_out;

    z->in.next_in = (Bytef *)(uintptr_t)p;
    z->in.avail_in = (uInt)n;
    z->in.next_out = (Bytef *)out;
    z->in.avail_out = (uInt)cap;
    do {
        had_in = z->in.avail_in;
        had_out = z->in.avail_out;
        if (rc == 0)
            rc = step(z);
    } while (rc == 0 && z->in.avail_in > 0 && z->in.avail_out > 0 &&
             (z->in.avail_in < had_in || z->in.avail_out < had_out));
    *used = n - z->in.avail_in;
    *made = cap - z->in.avail_out;
    return rc;
}

/* Bits of data_type: unused ones of the last byte, and 128: behind a block. */
#define BETWEEN_BLOCKS 128
#define BITS_LEFT 63

int
ws_zip_inflated(struct ws_zip *z)
{
    int type = z->in.data_type;

    if (!(type & BETWEEN_BLOCKS) || (type & BITS_LEFT))
        return ERR_INVALID;
    if (z->agreed.client_no_context)
        end_inflate(z);
    return 0;
}

/* ---- deflating -----------------------------------------------------------*/

static int
begin_deflate(struct ws_zip *z)
{
    if (!z->deflates && deflateInit2(&z->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                                     -z->agreed.server_bits, MEMORY_LEVEL,
                                     Z_DEFAULT_STRATEGY) != Z_OK)
        return ERR_NOMEM;
    z->deflates = 1;
    return 0;
}

/* As deflateBound has it for any parameters, and the empty block. */
size_t
ws_zip_bound(size_t n)
{
    return n + ((n + 7) >> 3) + ((n + 63) >> 6) + 32;
}

int64_t
ws_zip_deflate(struct ws_zip *z, const char *p, size_t n, char *out)
{
    size_t cap = ws_zip_bound(n), made;

    if (begin_deflate(z) < 0)
        return ERR_NOMEM;
    z->out.next_in = (Bytef *)(uintptr_t)p;
    z->out.avail_in = (uInt)n;
    z->out.next_out = (Bytef *)out;
    z->out.avail_out = (uInt)cap;
    CHECK(deflate(&z->out, Z_SYNC_FLUSH) == Z_OK && z->out.avail_in == 0 &&
          z->out.avail_out > 0);
    made = cap - z->out.avail_out;
    CHECK(made >= WS_ZIP_TAIL_LEN && memcmp(out + made - WS_ZIP_TAIL_LEN,
                                            WS_ZIP_TAIL, WS_ZIP_TAIL_LEN) == 0);
    if (z->agreed.server_no_context)
        end_deflate(z);
    return (int64_t)(made - WS_ZIP_TAIL_LEN);
}
