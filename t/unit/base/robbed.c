/* SPDX-License-Identifier: BSD-2-Clause */
/* robbed.c - what is noted of descriptors that are gone. */
/* tags: asan */
#include "base/robbed.h"

#include "t/lib/unit.h"

START_TEST(the_first_note_counts)
{
    ck_assert_ptr_null(robbed_look());
    robbed_note("a listening socket", 16);
    robbed_note("something else", 17);
    ck_assert_str_eq(robbed_look(),
                     "a plugin has closed a listening socket (descriptor 16)");
}
END_TEST

UNIT_MAIN(robbed, the_first_note_counts)
