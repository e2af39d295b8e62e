/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_contract.c - what core/abi/etude_abi.h says of HTTP/2: the end of a
 * connection is that of a stream, fields of a connection cannot be set, names
 * are in lower case.
 * tags: epoll asan */
#include <stdio.h>
#include <string.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct server s;
static struct frames f;

static void
begin(void)
{
    server_start(&s, FRAMES_INI);
    f = frames_open(&s);
}

static void
end(void)
{
    frames_close(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(what_is_dropped_is_a_stream_that_is_reset)
{
    begin();
    frames_get(&f, 1, "/later/no-such-thing");
    frames_take(&f, 1, 404, NULL);
    frames_get(&f, 3, "/drop");
    frames_take_reset(&f, 3, FRAMES_INTERNAL_ERROR);
    ck_assert(!frames_stream(&f, 3)->has_head);
    frames_serves(&f);
    end();
}
END_TEST

START_TEST(fields_of_a_connection_cannot_be_set)
{
    struct answer a;

    begin();
    frames_get(&f, 1, "/inject");
    a = frames_answer(&f, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, "slipped through:");
    ck_assert_ptr_nonnull(strstr(a.head, "x-good: "));
    ck_assert_ptr_null(strstr(a.head, "X-Good"));
    answer_free(&a);
    end();
}
END_TEST

/* A step sees what :authority and :path were, and no field of that name. */
START_TEST(pseudo_fields_are_shown_as_what_they_are)
{
    struct answer a;

    begin();
    frames_head(&f, 1, FRAMES_END_STREAM,
                ":method: GET\n:scheme: http\n:path: /request?a\n"
                ":authority: x.example:80\ncookie: a=1\ncookie: b=2\n");
    a = frames_answer(&f, 1);
    ck_assert_int_eq(a.status, 200);
    unit_has(a.body, "GET /request?a HTTP/");
    unit_has(a.body, "\nhost: x.example:80\n");
    unit_has(a.body, "\ncookie: a=1; b=2\n");
    ck_assert_ptr_null(strstr(a.body, "\n:"));
    answer_free(&a);
    end();
}
END_TEST

START_TEST(trailers_are_behind_the_body)
{
    struct answer a;

    begin();
    frames_get(&f, 1, "/writer/trailer");
    a = frames_answer(&f, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, "x");
    ck_assert_str_eq(answer_field(&a, "x-rc", 0), "-3 -4 -4 -4");
    answer_free(&a);
    frames_serves(&f);
    end();
}
END_TEST

UNIT_MAIN(h2_contract, what_is_dropped_is_a_stream_that_is_reset,
          fields_of_a_connection_cannot_be_set,
          pseudo_fields_are_shown_as_what_they_are,
          trailers_are_behind_the_body)
