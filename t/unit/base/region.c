/* SPDX-License-Identifier: BSD-2-Clause */
/* region.c - a head says what it is of, and what does not fit is none. */
#include "base/region.h"

#include <string.h>

#include "t/lib/unit.h"

static size_t
bytes_of(uint64_t measure)
{
    return REGION_HEAD_BYTES + measure * 64;
}

static const struct region_kind kind = {
    .name = "x", .magic = 77, .format = 3, .bytes = bytes_of};

START_TEST(a_region_is_of_its_kind_and_size)
{
    struct region *r = region_new(&kind, 10);
    struct region_kind other = kind;
    const size_t bytes = bytes_of(10);

    ck_assert_ptr_nonnull(r);
    ck_assert(region_is(r, bytes, &kind));
    ck_assert_uint_ne(r->seeds.v[0], r->seeds.v[1]);
    ck_assert(!seats_is_taken(&r->seats, 0));
    other.format = 4;
    ck_assert(!region_is(r, bytes, &other));
    other = kind;
    other.magic = 78;
    ck_assert(!region_is(r, bytes, &other));
    ck_assert(!region_is(r, bytes + 64, &kind));
    ck_assert(!region_is(r, REGION_HEAD_BYTES - 1, &kind));
    r->measure = 11;
    ck_assert(!region_is(r, bytes, &kind));
    r->measure = UINT64_MAX;
    ck_assert(!region_is(r, bytes, &kind));
    region_unmap(r, bytes);
    region_unmap(NULL, bytes);
}
END_TEST

START_TEST(zeros_are_no_region)
{
    static struct region zeros;

    ck_assert(!region_is(&zeros, sizeof zeros, &kind));
}
END_TEST

START_TEST(without_address_space_there_is_none)
{
    ck_assert_ptr_null(region_new(&kind, UINT64_C(1) << 50));
}
END_TEST

UNIT_MAIN(region, a_region_is_of_its_kind_and_size, zeros_are_no_region,
          without_address_space_there_is_none)
