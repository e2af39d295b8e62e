/* SPDX-License-Identifier: BSD-2-Clause */
/* flow.c - see flow.h. */
#include "tls/flow.h"

#include <openssl/bio.h>
#include <pthread.h>
#include <string.h>

#include "base/err.h"
#include "os/ktls.h"
#include "tls/heap.h"

/* What OpenSSL asks of a BIO whose records the kernel may make; its public
 * header has these numbers in a comment. */
enum {
    CTRL_SET_KTLS = 72,      /* number: of what is sent; arg: the keys */
    CTRL_SET_KTLS_TYPE = 74, /* number: what the next write is */
    CTRL_CLEAR_KTLS_TYPE = 75,
};

#define FLOW_TEXT 23 /* application_data, RFC 8446 5.1 */

struct flow_block {
    struct flow_block *next;
    uint32_t bytes; /* of the block this is the head of; 0: the heap's */
    uint32_t start, end, cap;
    uint8_t kind; /* enum flow_kind */
    uint8_t type; /* of a record */
    char data[];
};

void
flow_init(struct flow *f, struct blocks *blocks)
{
    *f = (struct flow){.blocks = blocks, .ktls_fd = -1};
}

/* ---- what comes ----------------------------------------------------------*/

static void
drop_kept(struct flow *f)
{
    if (f->kept)
        blocks_give(f->blocks, f->kept, f->kept_cap);
    f->kept = NULL;
    f->kept_start = f->kept_end = f->kept_cap = 0;
}

void
flow_feed(struct flow *f, const char *p, size_t n)
{
    f->fed = p;
    f->n_fed = n;
}

void
flow_stop(struct flow *f)
{
    flow_feed(f, NULL, 0);
    drop_kept(f);
}

/* Room for n bytes behind what is kept. */
static int
make_room(struct flow *f, size_t n)
{
    size_t kept = f->kept_end - f->kept_start, got;
    char *to;

    if (f->kept && f->kept_cap - f->kept_end >= n)
        return 0;
    if (kept + n > FLOW_KEPT_MAX)
        return ERR_LIMIT;
    to = blocks_take(f->blocks, kept + n, &got);
    if (!to)
        return ERR_NOMEM;
    if (f->kept)
        memcpy(to, f->kept + f->kept_start, kept);
    drop_kept(f);
    f->kept = to;
    f->kept_end = (uint32_t)kept;
    f->kept_cap = (uint32_t)got;
    return 0;
}

int
flow_keep(struct flow *f)
{
    int rc;

    if (f->n_fed == 0)
        return 0;
    rc = make_room(f, f->n_fed);
    if (rc == 0) {
        memcpy(f->kept + f->kept_end, f->fed, f->n_fed);
        f->kept_end += (uint32_t)f->n_fed;
    }
    f->fed = NULL;
    f->n_fed = 0;
    return rc;
}

/* ---- what goes -----------------------------------------------------------*/

enum flow_kind
flow_kind(const struct flow *f)
{
    return (enum flow_kind)f->first->kind;
}

struct flow_item
flow_item(const struct flow *f)
{
    const struct flow_block *b = f->first;

    return (struct flow_item){.kind = (enum flow_kind)b->kind,
                              .type = b->type,
                              .p = b->data + b->start,
                              .n = b->end - b->start};
}

uint32_t
flow_output(const struct flow *f, struct iovec iov[FLOW_BLOCKS])
{
    uint32_t n = 0;

    for (struct flow_block *b = f->first; b && b->kind == FLOW_BYTES;
         b = b->next)
        iov[n++] = (struct iovec){b->data + b->start, b->end - b->start};
    return n;
}

static void
drop_first(struct flow *f)
{
    struct flow_block *b = f->first;

    f->first = b->next;
    if (!f->first)
        f->last = NULL;
    f->n_blocks--;
    if (b->kind == FLOW_KEYS)
        explicit_bzero(b->data, b->end);
    if (LIKELY(b->bytes > 0))
        blocks_give(f->blocks, b, b->bytes);
    else
        heap_give(b);
}

void
flow_sent(struct flow *f, size_t n)
{
    while (n > 0) {
        struct flow_block *b = f->first;
        size_t part = b->end - b->start;
        if (n < part) {
            b->start += (uint32_t)n;
            return;
        }
        n -= part;
        drop_first(f);
    }
}

void
flow_fini(struct flow *f)
{
    drop_kept(f);
    while (f->first)
        drop_first(f);
}

/* ---- as OpenSSL reads it -------------------------------------------------*/

static size_t
read_kept(struct flow *f, char *to, size_t n)
{
    size_t kept = f->kept_end - f->kept_start;

    if (kept == 0)
        return 0;
    if (n > kept)
        n = kept;
    memcpy(to, f->kept + f->kept_start, n);
    f->kept_start += (uint32_t)n;
    if (n == kept)
        drop_kept(f);
    return n;
}

static size_t
read_fed(struct flow *f, char *to, size_t n)
{
    if (n > f->n_fed)
        n = f->n_fed;
    if (n > 0)
        memcpy(to, f->fed, n);
    f->fed += n;
    f->n_fed -= n;
    return n;
}

static int
on_read(BIO *bio, char *to, size_t n, size_t *got)
{
    struct flow *f = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *got = read_kept(f, to, n);
    *got += read_fed(f, to + *got, n - *got);
    if (*got > 0)
        return 1;
    BIO_set_retry_read(bio);
    return 0;
}

/* ---- as OpenSSL writes it ------------------------------------------------*/

/* A block of n bytes or more, or NULL; a flow that is lent has no blocks. */
static struct flow_block *
take_block(struct flow *f, size_t n)
{
    size_t got = n;
    struct flow_block *b =
        LIKELY(f->blocks) ? blocks_take(f->blocks, n, &got) : heap_take(n);

    if (!b)
        return NULL;
    b->bytes = f->blocks ? (uint32_t)got : 0;
    b->cap = (uint32_t)(got - sizeof *b);
    return b;
}

static struct flow_block *
add_block(struct flow *f, size_t n)
{
    size_t want = sizeof(struct flow_block) + n;
    struct flow_block *b;

    if (f->n_blocks == FLOW_BLOCKS)
        return NULL;
    if (f->first || want > FLOW_BLOCK_BYTES)
        want = FLOW_BLOCK_BYTES;
    b = take_block(f, want);
    if (!b)
        return NULL;
    b->next = NULL;
    b->start = b->end = 0;
    b->kind = FLOW_BYTES;
    if (f->last)
        f->last->next = b;
    else
        f->first = b;
    f->last = b;
    f->n_blocks++;
    return b;
}

/* What has a block of its own. */
static int
add_item(struct flow *f, enum flow_kind kind, uint8_t type, const void *p,
         size_t n)
{
    struct flow_block *b = add_block(f, n);

    if (!b || n > b->cap)
        return 0;
    b->kind = (uint8_t)kind;
    b->type = type;
    memcpy(b->data, p, n);
    b->end = (uint32_t)n;
    return 1;
}

static int
write_record(struct flow *f, const char *p, size_t n, size_t *taken)
{
    uint8_t type = f->record ? f->record : FLOW_TEXT;

    f->record = 0;
    if (!add_item(f, FLOW_RECORD, type, p, n))
        return 0;
    *taken = n;
    return 1;
}

/* All of it, or nothing more can be written: a session whose output is cut
 * short is over. */
static int
on_write(BIO *bio, const char *p, size_t n, size_t *taken)
{
    struct flow *f = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *taken = 0;
    if (UNLIKELY(f->is_plain))
        return write_record(f, p, n, taken);
    while (*taken < n) {
        struct flow_block *b = f->last;
        size_t part = n - *taken;
        if (!b || b->end == b->cap)
            b = add_block(f, part);
        if (!b)
            return 0;
        if (part > b->cap - b->end)
            part = b->cap - b->end;
        memcpy(b->data + b->end, p + *taken, part);
        b->end += (uint32_t)part;
        *taken += part;
    }
    return 1;
}

/* ---- as OpenSSL sees it --------------------------------------------------*/

/* The kernel may make records, and knows that. */
static int
attach(struct flow *f)
{
    if (f->ktls_fd < 0)
        return 0;
    if (!f->is_attached)
        f->is_attached = ktls_attach(f->ktls_fd) == 0;
    return f->is_attached;
}

/* Take the keys over, or have OpenSSL go on with them: the last moment to. */
static long
take_keys(struct flow *f, const void *info)
{
    size_t n = ktls_keys_bytes(info);

    if (f->is_plain || n == 0 || !attach(f) ||
        !add_item(f, FLOW_KEYS, 0, info, n))
        return 0;
    f->is_plain = 1;
    return 1;
}

/* Of what is not here nothing is so. */
static long
on_ctrl(BIO *bio, int what, long number, void *arg)
{
    struct flow *f = BIO_get_data(bio);

    switch (what) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_GET_KTLS_SEND: return f->is_plain;
    case CTRL_SET_KTLS: return number ? take_keys(f, arg) : 0;
    case CTRL_SET_KTLS_TYPE: f->record = (uint8_t)number; return 0;
    case CTRL_CLEAR_KTLS_TYPE: f->record = 0; return 0;
    default: return 0;
    }
}

static BIO_METHOD *method;

static void
make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "flow");
    if (method && BIO_meth_set_read_ex(method, on_read) &&
        BIO_meth_set_write_ex(method, on_write) &&
        BIO_meth_set_ctrl(method, on_ctrl))
        return;
    BIO_meth_free(method);
    method = NULL;
}

struct bio_st *
flow_bio(struct flow *f)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    BIO *bio;

    pthread_once(&once, make_method);
    bio = method ? BIO_new(method) : NULL;
    if (bio) {
        BIO_set_data(bio, f);
        BIO_set_init(bio, 1);
    }
    return bio;
}

struct flow *
flow_of(struct bio_st *bio)
{
    return BIO_get_data(bio);
}

/* ---- another thread ------------------------------------------------------*/

/* The socket may be closed meanwhile, and its number another's: whatever is to
 * be asked of it is asked now. */
void
flow_lend(struct flow *f, struct bio_st *bio, struct flow *to)
{
    *to = (struct flow){.n_blocks = f->n_blocks, .ktls_fd = -1};
    if (attach(f)) {
        to->ktls_fd = f->ktls_fd;
        to->is_attached = 1;
    }
    BIO_set_data(bio, to);
}

void
flow_return(struct flow *f, struct bio_st *bio, struct flow *from)
{
    BIO_set_data(bio, f);
    if (f->last)
        f->last->next = from->first;
    else
        f->first = from->first;
    if (from->last)
        f->last = from->last;
    for (const struct flow_block *b = from->first; b; b = b->next)
        f->n_blocks++;
    f->is_plain |= from->is_plain;
    f->record = from->record;
}
