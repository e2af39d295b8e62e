/* SPDX-License-Identifier: BSD-2-Clause */
/* shelf.c - what a process may find in the memory it shares: a shelf whose
 * bytes are the input, then calls of which the input says which.  Every call
 * comes to its end and reads and writes nothing but the shelf.
 *
 *     8 calls, a byte each: what, and of which name     then what the shelf is
 */
#include "base/shelf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/number.h"
#include "base/piece.h"
#include "base/str.h"

#define N_SLOTS 68u
#define ROOM 16u
#define N_CALLS 8u
#define N_NAMES 32u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct seats seats;

static int
is_dropped(const void *of, uint64_t whose)
{
    (void)of;
    return whose == 3;
}

/* A shelf between two pages that must not be touched. */
static struct shelf
shelf_of(const uint8_t *data, size_t size)
{
    static char *map;
    const size_t page = 4096, bytes = shelf_bytes(N_SLOTS, ROOM);
    const size_t pages = (bytes + page - 1) & ~(page - 1);
    struct shelf s;
    char *at;

    if (!map) {
        map = mmap(NULL, pages + 2 * page, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED ||
            mprotect(map + page, pages, PROT_READ | PROT_WRITE) < 0)
            abort();
        (void)seats_give(&seats, 0);
    }
    at = map + page + pages - bytes;
    memset(at, 0, bytes);
    memcpy(at, data, size < bytes ? size : bytes);
    shelf_attach(&s, at, N_SLOTS, ROOM, &seats);
    s.is_dropped = is_dropped;
    return s;
}

static void
call(const struct shelf *s, struct shelf_hand *hand, uint8_t what)
{
    static const struct shelf_seeds seeds = {{1, 2}};
    const char key = (char)(what % N_NAMES);
    const struct shelf_name name = shelf_hash(&seeds, (et_str){&key, 1});
    int64_t value = 0;
    char out[ROOM];
    int n;

    switch (what / N_NAMES) {
    case 0: (void)!number_add(s, hand, &name, 1, 1, 10, &value); break;
    case 1: (void)!number_add(s, hand, &name, 3, -1, 0, &value); break;
    case 2: (void)!number_swap(s, hand, &name, 1, &value, 7, 0); break;
    case 3: (void)number_get(s, &name, hand->now_ms); break;
    case 4: (void)!piece_put(s, hand, &name, 1, str_lit("text"), 0); break;
    case 5:
        n = piece_get(s, &name, hand->now_ms, out);
        if (n > (int)sizeof out)
            abort();
        break;
    case 6: piece_drop(s, hand, &name); break;
    default: hand->now_ms += 1000; break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shelf_hand hand = {.now_ms = 1000};
    struct shelf s;

    if (size < N_CALLS)
        return 0;
    s = shelf_of(data + N_CALLS, size - N_CALLS);
    hand.owner = seats_name(&seats, 0);
    for (uint32_t i = 0; i < N_CALLS; i++)
        call(&s, &hand, data[i]);
    return 0;
}
