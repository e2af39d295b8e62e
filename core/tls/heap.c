/* SPDX-License-Identifier: BSD-2-Clause */
/* heap.c - see heap.h.
 *
 * Classes: eight to a power of two, so that at most a ninth of a block is
 * wasted: 16 32 ... 128, 144 160 ... 256, 288 320 ... 512, ... 32768. */
#include "tls/heap.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/asan.h"
#include <openssl/crypto.h>

#define MIN_SHIFT 7 /* up to 128 the classes are 16 apart */
#define STEPS 8     /* classes of a power of two */
#define CLASSES 72

struct free_block {
    struct free_block *next;
};

struct lists {
    struct free_block *first[CLASSES];
    size_t bytes;
    uint8_t is_known; /* this thread's end will be told */
    uint8_t is_over;  /* it has been told */
};

static _Thread_local struct lists mine;
static pthread_key_t at_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The class whose blocks are large enough for n <= HEAP_MAX_BYTES. */
static unsigned
class_up(size_t n)
{
    unsigned shift;

    if (n <= (1u << MIN_SHIFT))
        return n == 0 ? 0 : (unsigned)((n - 1) >> 4);
    shift = 63u - (unsigned)__builtin_clzll(n - 1);
    return STEPS * (shift - MIN_SHIFT + 1) +
           (unsigned)((n - 1) >> (shift - 3) & (STEPS - 1));
}

static size_t
class_bytes(unsigned class)
{
    unsigned shift = class / STEPS + MIN_SHIFT - 1;

    if (class < STEPS)
        return 16 * (class + 1);
    return ((size_t)1 << shift) + ((size_t)(class % STEPS + 1) << (shift - 3));
}

/* The largest class that a block of n usable bytes is good for. */
static unsigned
class_down(size_t n)
{
    unsigned class = class_up(n);

    return class_bytes(class) > n ? class - 1 : class;
}

static void
empty(void *arg)
{
    struct lists *l = arg;

    l->is_over = 1;
    for (unsigned i = 0; i < CLASSES; i++)
        while (l->first[i]) {
            struct free_block *b = l->first[i];
            l->first[i] = b->next;
            free(b);
        }
    l->bytes = 0;
}

static void
make_key(void)
{
    if (pthread_key_create(&at_end, empty) != 0)
        abort();
}

/* Whether the thread may keep blocks, whose end must be heard of then. */
static int
may_keep(struct lists *l)
{
    if (LIKELY(l->is_known))
        return !l->is_over;
    pthread_once(&once, make_key);
    l->is_known = 1;
    l->is_over = pthread_setspecific(at_end, l) != 0;
    return !l->is_over;
}

void *
heap_take(size_t n)
{
    struct lists *l = &mine;
    struct free_block *b;
    unsigned class;

    if (ASAN_ON || UNLIKELY(n > HEAP_MAX_BYTES))
        return malloc(n);
    class = class_up(n);
    b = l->first[class];
    if (UNLIKELY(!b))
        return malloc(class_bytes(class));
    l->first[class] = b->next;
    l->bytes -= class_bytes(class);
    return b;
}

void
heap_give(void *p)
{
    struct lists *l = &mine;
    struct free_block *b = p;
    size_t n;
    unsigned class;

    if (!p)
        return;
    n = malloc_usable_size(p);
    if (ASAN_ON || n < 16 || n > HEAP_MAX_BYTES + HEAP_MAX_BYTES / 4 ||
        !may_keep(l)) {
        free(p);
        return;
    }
    class = n >= HEAP_MAX_BYTES ? CLASSES - 1 : class_down(n);
    if (UNLIKELY(l->bytes + class_bytes(class) > HEAP_THREAD_BYTES)) {
        free(p);
        return;
    }
    b->next = l->first[class];
    l->first[class] = b;
    l->bytes += class_bytes(class);
}

void *
heap_retake(void *p, size_t n)
{
    size_t had;
    void *to;

    if (!p)
        return heap_take(n);
    had = malloc_usable_size(p);
    if (ASAN_ON || had > HEAP_MAX_BYTES || n > HEAP_MAX_BYTES)
        return realloc(p, n);
    if (n <= had && n > had / 2)
        return p;
    to = heap_take(n);
    if (!to)
        return NULL;
    memcpy(to, p, n < had ? n : had);
    heap_give(p);
    return to;
}

size_t
heap_kept(void)
{
    return mine.bytes;
}

/* ---- as OpenSSL calls it -------------------------------------------------*/

static void *
on_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return n ? heap_take(n) : NULL;
}

static void
on_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    heap_give(p);
}

static void *
on_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    if (n > 0)
        return heap_retake(p, n);
    heap_give(p);
    return NULL;
}

void
heap_install(void)
{
    CRYPTO_set_mem_functions(on_malloc, on_realloc, on_free);
}
