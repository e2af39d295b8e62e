/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* pieces.c - answers of several pieces, fields without a copy and the tail, as
 * the mock server of etude_test.h has them: this file is a plugin and its own
 * test.  What the server itself does is tried by e2e/pieces.c. */
#include <fcntl.h>

#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

static int n_released;
static int fd = -1;
static int32_t rc;

static void
release(void *arg)
{
    n_released += arg == &fd;
}

ET_GET("/pieces", pieces)
{
    et_piece v[3] = {et_piece_mem(et_s("one,")), et_piece_file(fd, 2, 3),
                     et_piece_mem(et_s(",three"))};
    v[1].release = release;
    v[1].arg = &fd;
    return et_pieces(r, 206, et_s("text/plain"), v, 3);
}

ET_GET("/added/*all", added)
{
    static const et_field fields[] = {{{"X-One", 5}, {"1", 1}},
                                      {{"X-Two", 5}, {"2", 1}},
                                      {{"Date", 4}, {"now", 3}}};
    if (et_add_static(r, fields, 3) != ET_EINVAL)
        return et_fail(r, "Date was taken");
    rc = et_add_static(r, fields, 2);
    return et_bytes(r, 200, et_s(""), r->http->text(r, ET_T_TAIL));
}

ET_PLUGIN("org.example.pieces", "1.0.0");

/* ---- its tests -----------------------------------------------------------*/

static void
begin(void)
{
    char path[] = "/tmp/etude-pieces-XXXXXX";
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(write(fd, "0123456789", 10), 10);
    n_released = 0;
    ck_assert_int_eq(et_test_open(), 0);
}

static void
get_pieces(void)
{
    et_test_request("GET", "/pieces");
}

static void
get_added(void)
{
    et_test_request("GET", "/added/a/b");
}

START_TEST(pieces_are_put_together_and_released)
{
    begin();
    get_pieces();
    ck_assert_uint_eq(et_test_run(), 206);
    ck_assert_str_eq(et_test_text(), "one,234,three");
    ck_assert_int_eq(n_released, 1);
    et_test_end();
    close(fd);
}
END_TEST

START_TEST(a_file_that_is_too_short_is_a_failure)
{
    begin();
    ck_assert_int_eq(ftruncate(fd, 4), 0);
    get_pieces();
    ck_assert_uint_eq(et_test_run(), 500);
    ck_assert_int_eq(n_released, 1);
    et_test_end();
    close(fd);
}
END_TEST

START_TEST(without_memory_they_are_released_too)
{
    begin();
    ck_assert_int_eq(et_test_out_of_memory(get_pieces), 1);
    ck_assert_int_eq(n_released, 2);
    et_test_end();
    close(fd);
}
END_TEST

START_TEST(fields_are_added_and_the_tail_is_known)
{
    begin();
    get_added();
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(et_test_text(), "a/b");
    ck_assert_str_eq(et_test_field("X-One", 0), "1");
    ck_assert_str_eq(et_test_field("X-Two", 0), "2");
    ck_assert_ptr_null(et_test_field("X-One", 1));
    et_test_end();
    close(fd);
}
END_TEST

UNIT_MAIN(pieces, pieces_are_put_together_and_released,
          a_file_that_is_too_short_is_a_failure,
          without_memory_they_are_released_too,
          fields_are_added_and_the_tail_is_known)
