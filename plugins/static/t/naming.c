/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* naming.c - entity tags of large contents: who waits for them, who goes on
 * when somebody has gone. */
#include "plugins/static/t/serve.h"

#include "plugins/static/hash.h"
#include "t/lib/unit.h"

#define SLICE ((size_t)4 << 20)
#define SMALL ((size_t)70000)     /* one slice, but not hashed at once */
#define LARGE (2 * SLICE + 12345) /* three */

static char *bytes, etag[128];

static void
begin(void)
{
    struct hash h;

    begin_site();
    bytes = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)('a' + i % 23 + i / 100003 % 3);
    put_at("small", bytes, SMALL, OLD);
    put_at("large", bytes, LARGE, OLD);
    put_at("other", bytes, LARGE, OLD);
    hash_init(&h);
    hash_add(&h, bytes, LARGE);
    etag[hash_text(&h, etag)] = '\0';
    et_test_option("etag", "hash");
}

static void
end(void)
{
    end_site();
    free(bytes);
}

static void
want(const char *target)
{
    et_test_request("GET", target);
    ck_assert_uint_eq(et_test_run(), ET_WAIT);
}

static void
is_answered(void)
{
    ck_assert_uint_eq(et_test_status(), 200);
    ck_assert_str_eq(et_test_field("ETag", 0), etag);
    ck_assert_uint_eq(et_test_length(), LARGE);
}

/* So many times nothing comes of it, and then the answer does. */
static void
is_answered_behind(int turns)
{
    for (int i = 0; i < turns; i++)
        ck_assert_uint_eq(et_test_turn(), ET_WAIT);
    ck_assert_uint_eq(et_test_turn(), 200);
    is_answered();
}

/* The client goes while the pool is at its slice. */
static void
goes_meanwhile(void)
{
    et_test_begin_job();
    ck_assert_uint_eq(et_test_cancel(ET_ECANCEL), 0);
}

START_TEST(a_large_content_is_hashed_in_slices)
{
    serve();
    want("/large");
    is_answered_behind(2);
    ck_assert_uint_eq(get_with("/large", "If-None-Match", etag), 304);
    ck_assert_int_eq(et_test_metric("misses"), 1);
}
END_TEST

START_TEST(so_is_one_in_memory)
{
    et_test_option("cache_file", "16m");
    serve();
    want("/large");
    is_answered_behind(2);
    ck_assert_uint_eq(get_with("/large", "If-None-Match", etag), 304);
}
END_TEST

START_TEST(rules_stand_behind_it)
{
    et_test_option("cache_control", "* no-cache");
    et_test_option("precompressed", "yes");
    put_at("a.txt.gz", bytes, LARGE, OLD);
    serve();
    ck_assert_uint_eq(get("/large"), 200);
    is_answered();
    ck_assert_str_eq(et_test_field("Cache-Control", 0), "no-cache");
    ck_assert_str_eq(et_test_field("Last-Modified", 0), OLD_TEXT);
    /* what is sent has the tag of what is sent */
    ck_assert_uint_eq(get_with("/a.txt", "Accept-Encoding", "gzip"), 200);
    ck_assert_str_eq(et_test_field("Content-Encoding", 0), "gzip");
    ck_assert_str_eq(et_test_field("Cache-Control", 0), "no-cache");
    is_answered();
}
END_TEST

/* Each of three goes on where another one has stopped. */
START_TEST(who_wants_the_same_has_it_hashed_once)
{
    serve();
    want("/large");
    want("/large");
    want("/large");
    /* a slice, its turn, a slice, its turn, and the last slice */
    is_answered_behind(4);
    is_answered_behind(0);
    is_answered_behind(0);
    ck_assert_uint_eq(get_with("/large", "If-None-Match", etag), 304);
}
END_TEST

START_TEST(files_take_turns)
{
    serve();
    want("/large");
    want("/other");
    /* five slices with turns between them, then the last one of the first */
    is_answered_behind(8);
    is_answered_behind(1);
    ck_assert_int_eq(et_test_metric("misses"), 2);
}
END_TEST

START_TEST(what_is_hashed_stays_though_nobody_has_waited)
{
    serve();
    et_test_request("GET", "/small");
    ck_assert_uint_eq(et_test_run(), ET_WAIT);
    goes_meanwhile();
    et_test_request("GET", "/small");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_uint_eq(et_test_length(), SMALL);
    /* and of a large one what has been done so far */
    want("/large");
    goes_meanwhile();
    want("/large");
    is_answered_behind(1);
}
END_TEST

START_TEST(somebody_else_goes_on_for_who_has_gone)
{
    serve();
    want("/large");
    goes_meanwhile();
    want("/large");
    want("/other");
    et_test_cancel(ET_ECANCEL); /* that waits for its turn */
    want("/large");
    is_answered_behind(2); /* a slice, a turn, a slice */
    is_answered_behind(0);
}
END_TEST

START_TEST(who_is_next_takes_over)
{
    serve();
    want("/large");
    et_test_cancel(ET_ECANCEL); /* its job has not begun */
    want("/large");
    want("/large");
    ck_assert_uint_eq(et_test_turn(), ET_WAIT); /* a slice: the other's turn */
    ck_assert_uint_eq(et_test_turn(), ET_WAIT);
    goes_meanwhile(); /* with the second slice */
    is_answered_behind(1);
}
END_TEST

START_TEST(without_room_it_is_a_503)
{
    serve();
    for (size_t i = 1; i <= 3; i++) { /* which slice it is */
        et_test_fail_wait(i, ET_ELIMIT);
        ck_assert_uint_eq(get("/large"), 503);
        et_test_fail_wait(0, 0);
        unlink(at("large"));
        put_at("large", bytes, LARGE, OLD + (int64_t)i);
        et_test_wait(2000);
    }
    want("/large");
    et_test_fail_wait(1, ET_ELIMIT); /* to wait for a turn */
    ck_assert_uint_eq(get("/other"), 503);
    et_test_fail_wait(0, 0);
    want("/other");
    et_test_fail_wait(1, ET_ELIMIT); /* to wait for the next one */
    ck_assert_uint_eq(et_test_turn(), 503);
    et_test_fail_wait(0, 0);
    is_answered_behind(3);
}
END_TEST

START_TEST(a_job_that_has_failed_holds_nobody_up)
{
    serve();
    want("/large");
    ck_assert_uint_eq(et_test_resume(ET_ECRASH), 500);
    want("/large");
    is_answered_behind(2);
}
END_TEST

/* Its answer is cut off, too. */
START_TEST(one_that_is_cut_short_comes_to_an_end)
{
    serve();
    want("/large");
    ck_assert_int_eq(truncate(at("large"), 1000), 0);
    ck_assert_uint_ne(et_test_turn(), ET_WAIT);
    et_test_wait(2000);
    ck_assert_uint_eq(get("/large"), 200);
    ck_assert_uint_eq(et_test_length(), 1000);
}
END_TEST

/* What it has when it is opened counts. */
START_TEST(one_that_grows_comes_to_an_end)
{
    const int fd = open(at("large"), O_WRONLY | O_APPEND | O_CLOEXEC);

    serve();
    want("/large");
    ck_assert_int_eq(write(fd, bytes, 100), 100);
    is_answered_behind(2);
    close(fd);
}
END_TEST

START_TEST(what_is_waited_for_is_not_swept_out)
{
    serve();
    want("/large");
    for (int i = 0; i < 3; i++) {
        et_test_wait(11000);
        while (et_test_loop())
            continue;
    }
    is_answered_behind(2);
    ck_assert_uint_eq(get("/large"), 200);
    ck_assert_int_eq(et_test_metric("misses"), 1);
}
END_TEST

UNIT_MAIN_IN(begin, end, naming, a_large_content_is_hashed_in_slices,
             so_is_one_in_memory, rules_stand_behind_it,
             who_wants_the_same_has_it_hashed_once, files_take_turns,
             what_is_hashed_stays_though_nobody_has_waited,
             somebody_else_goes_on_for_who_has_gone, who_is_next_takes_over,
             without_room_it_is_a_503, a_job_that_has_failed_holds_nobody_up,
             one_that_is_cut_short_comes_to_an_end,
             one_that_grows_comes_to_an_end,
             what_is_waited_for_is_not_swept_out)
