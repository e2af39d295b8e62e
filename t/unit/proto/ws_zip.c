/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_zip.c - tests of proto/ws_zip.h: whatever goes in comes out, in memory of
 * the worker's, as much as is said; and without any at any point. */
/* tags: asan */
#include "proto/ws_zip.h"

#include <stdlib.h>
#include <string.h>

#include "base/blocks.h"
#include "base/err.h"
#include "t/lib/unit.h"

#define TEXT_LEN 20000

static struct blocks blocks;
static char text[TEXT_LEN], deflated[2 * TEXT_LEN], back[TEXT_LEN + 1];

static struct ws_deflate
agreed(int fresh, uint8_t server_bits, uint8_t client_bits)
{
    return (struct ws_deflate){.server_bits = server_bits,
                               .client_bits = client_bits,
                               .server_no_context = fresh != 0,
                               .client_no_context = fresh != 0};
}

/* All of it, in pieces of so many bytes; 0 or what it fails with. */
static int
inflate_all(struct ws_zip *z, const char *p, size_t n, size_t piece, size_t *m)
{
    const char *const parts[] = {p, WS_ZIP_TAIL};
    const size_t lens[] = {n, WS_ZIP_TAIL_LEN};

    *m = 0;
    for (int i = 0; i < 2; i++) {
        size_t at = 0, used, made = 0;
        while (at < lens[i] || made == piece) {
            size_t k = lens[i] - at < piece ? lens[i] - at : piece;
            int rc = ws_zip_inflate(
                z, parts[i] + at, k, &used, back + *m,
                piece < sizeof back - *m ? piece : sizeof back - *m, &made);
            if (rc < 0)
                return rc;
            at += used;
            *m += made;
        }
    }
    return ws_zip_inflated(z);
}

static void
set_up(void)
{
    blocks_init(&blocks, 1 << 20);
    for (size_t i = 0; i < TEXT_LEN; i++)
        text[i] = (char)(i * i % 251 > 100 ? (int)(97 + i % 7) : rand());
}

static void
tear_down(void)
{
    ck_assert_uint_eq(blocks.out_bytes, 0);
    blocks_fini(&blocks);
}

/* What one side says the other one hears. */
START_TEST(what_goes_in_comes_out)
{
    for (int fresh = 0; fresh < 2; fresh++) {
        for (uint8_t bits = 9; bits <= 15; bits++) {
            struct ws_deflate a = agreed(fresh, bits, bits);
            struct ws_zip *one = ws_zip_new(&blocks, &a);
            struct ws_zip *two = ws_zip_new(&blocks, &a);
            for (size_t n = 1; n <= TEXT_LEN; n = n * 3 + 1) {
                int64_t k = ws_zip_deflate(one, text, n, deflated);
                size_t m;
                ck_assert_int_gt(k, 0);
                ck_assert_uint_le((size_t)k + 4, ws_zip_bound(n));
                ck_assert_int_eq(
                    inflate_all(two, deflated, (size_t)k, n % 97 + 1, &m), 0);
                ck_assert_uint_eq(m, n);
                ck_assert(memcmp(back, text, n) == 0);
            }
            ws_zip_free(one);
            ws_zip_free(two);
        }
    }
}
END_TEST

START_TEST(between_messages_it_holds_what_it_says)
{
    for (int fresh = 0; fresh < 2; fresh++) {
        struct ws_deflate a = agreed(fresh, 12, fresh ? 15 : 12);
        struct ws_zip *z = ws_zip_new(&blocks, &a);
        size_t m;
        int64_t k = ws_zip_deflate(z, text, TEXT_LEN, deflated);
        ck_assert_int_gt(k, 0);
        ck_assert_int_eq(inflate_all(z, deflated, (size_t)k, 1000, &m), 0);
        ck_assert_uint_le(blocks.out_bytes, ws_zip_cost(&a));
        ck_assert_uint_eq(blocks.out_bytes > 2048, !fresh);
        ws_zip_free(z);
    }
}
END_TEST

START_TEST(without_memory_at_any_point)
{
    struct ws_deflate a = agreed(0, 12, 15);
    int n_failed = 0;

    for (size_t max = 0; max < 1 << 17; max += 1024) {
        struct ws_zip *z;
        size_t m;
        int64_t k;
        blocks.max_bytes = max;
        z = ws_zip_new(&blocks, &a);
        n_failed += z == NULL;
        if (!z)
            continue;
        k = ws_zip_deflate(z, text, 100, deflated);
        ck_assert(k > 0 || k == ERR_NOMEM);
        if (k > 0) {
            int rc = inflate_all(z, deflated, (size_t)k, 1000, &m);
            ck_assert(rc == 0 || rc == ERR_NOMEM);
            n_failed += rc < 0;
        }
        n_failed += k < 0;
        ws_zip_free(z);
    }
    ck_assert_int_gt(n_failed, 10);
}
END_TEST

START_TEST(what_is_not_deflated_is_refused)
{
    struct ws_deflate a = agreed(1, 12, 15);
    size_t m;

    for (int i = 0; i < 2000; i++) {
        struct ws_zip *z = ws_zip_new(&blocks, &a);
        char noise[32];
        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (char)rand();
        noise[0] |= 6; /* a block of no kind */
        ck_assert_int_eq(inflate_all(z, noise, 1, 1000, &m), ERR_INVALID);
        ws_zip_free(z);
        z = ws_zip_new(&blocks, &a);
        noise[0] = (char)rand();
        (void)inflate_all(z, noise, sizeof noise, 1000, &m);
        ws_zip_free(z);
    }
}
END_TEST

UNIT_MAIN_IN(set_up, tear_down, ws_zip, what_goes_in_comes_out,
             between_messages_it_holds_what_it_says,
             without_memory_at_any_point, what_is_not_deflated_is_refused)
