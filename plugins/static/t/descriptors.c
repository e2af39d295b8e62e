/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* descriptors.c - what is kept open when there are no descriptors left,
 * and when nobody asks for it. */
#include "plugins/static/t/serve.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "t/lib/unit.h"

#define LARGE "larger than that"
#define FILES 100

static struct rlimit before;

static void
begin(void)
{
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    make_folder();
    put("small", "small");
    for (int i = 0; i < FILES; i++) {
        char name[16];

        snprintf(name, sizeof name, "f%d", i);
        put(name, LARGE);
    }
    et_test_option("root", root);
    et_test_option("cache_file", "5");
}

static void
leave_descriptors(int n)
{
    struct rlimit l = before;
    const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(next, 0);
    close(next);
    l.rlim_cur = (rlim_t)(next + n);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &l), 0);
}

static void
end(void)
{
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    end_site();
}

static void
get_all_of(const char *folder)
{
    for (int i = 0; i < FILES; i++) {
        char target[32];

        snprintf(target, sizeof target, "%s/f%d", folder, i);
        ck_assert_msg(get(target) == 200, "%s: %u", target, et_test_status());
        ck_assert_str_eq(et_test_text(), LARGE);
    }
}

static void
get_all(void)
{
    get_all_of("");
}

START_TEST(what_is_idle_makes_room)
{
    serve();
    leave_descriptors(10);
    get_all();
    ck_assert_uint_eq(get("/small"), 200);
    ck_assert_int_eq(et_test_metric("starved"), 0);
}
END_TEST

/* The same files, where a mount is crossed; false: that cannot be had here. */
static int
mount_there(void)
{
    char from[512];

    snprintf(from, sizeof from, "%s", root);
    mkdir(at("there"), 0755);
    if (unshare(CLONE_NEWNS) == 0 &&
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount(from, at("there"), NULL, MS_BIND, NULL) == 0)
        return 1;
    fprintf(stderr, "skipped: no mount: %s\n", strerror(errno));
    return 0;
}

/* What crosses one is not for a worker. */
START_TEST(what_the_pool_opens_has_room_too)
{
    if (!mount_there())
        return;
    serve();
    leave_descriptors(10);
    get_all_of("/there");
    ck_assert_int_ge(et_test_metric("waits"), FILES);
    ck_assert_int_eq(et_test_metric("starved"), 0);
    et_test_end();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(umount2(at("there"), MNT_DETACH), 0);
}
END_TEST

START_TEST(a_look_at_what_is_there_has_room_too)
{
    et_test_option("revalidate", "0");
    serve();
    ck_assert_uint_eq(get("/f0"), 200);
    ck_assert_uint_eq(get("/small"), 200);
    leave_descriptors(0);
    ck_assert_uint_eq(get("/small"), 200);
    ck_assert_int_eq(et_test_metric("starved"), 0);
}
END_TEST

START_TEST(without_any_it_says_so_once_in_a_while)
{
    et_test_option("revalidate", "0");
    serve();
    ck_assert_uint_eq(get("/small"), 200);
    leave_descriptors(0);
    ck_assert_uint_eq(get("/f1"), 503);
    ck_assert_str_eq(et_test_field("Retry-After", 0), "1");
    ck_assert(et_test_logged(ET_L_WARN, "1 refused"));
    ck_assert_uint_eq(get("/f2"), 503);
    et_test_wait(10000);
    ck_assert_uint_eq(get("/f2"), 503);
    ck_assert(et_test_logged(ET_L_WARN, "2 refused"));
    ck_assert_int_eq(et_test_metric("starved"), 3);
    /* what is in memory is served, if unseen */
    ck_assert_uint_eq(get("/small"), 200);
    ck_assert_str_eq(et_test_text(), "small");
}
END_TEST

/* ---- folders -------------------------------------------------------------*/

/* A folder without an index, a link in it, and two idle files; its listing is
 * about to be made by the pool. */
static void
begin_listing(void)
{
    uint32_t status;
    int64_t n;

    mkdir(at("sub"), 0755);
    ck_assert_int_eq(symlink("../f0", at("sub/link")), 0);
    et_test_option("list", "yes");
    serve();
    ck_assert_uint_eq(get("/f0"), 200);
    ck_assert_uint_eq(get("/f1"), 200);
    et_test_request("GET", "/sub/");
    n = et_test_metric("waits");
    status = et_test_run();
    while (et_test_metric("waits") > n) { /* for a file */
        n = et_test_metric("waits");
        status = et_test_turn();
    }
    ck_assert_uint_eq(status, ET_WAIT);
}

START_TEST(a_listing_has_room_too)
{
    begin_listing();
    leave_descriptors(0);
    ck_assert_uint_eq(finish(ET_WAIT), 200);
    ck_assert_int_eq(et_test_metric("starved"), 0);
}
END_TEST

START_TEST(a_listing_leaves_nothing_out_for_want_of_one)
{
    begin_listing();
    leave_descriptors(1); /* the folder's */
    ck_assert_uint_eq(finish(ET_WAIT), 200);
    ck_assert_msg(strstr(et_test_text(), "link"), "%s", et_test_text());
    ck_assert_int_eq(et_test_metric("starved"), 0);
}
END_TEST

START_TEST(a_listing_that_cannot_be_made_is_refused)
{
    et_test_option("cache_files", "0");
    begin_listing();
    leave_descriptors(1);
    ck_assert_uint_eq(finish(ET_WAIT), 503);
    ck_assert_int_eq(et_test_metric("starved"), 1);
}
END_TEST

/* ---- how many there may be -----------------------------------------------*/

START_TEST(more_than_half_of_them_is_warned_of)
{
    et_test_option("cache_files", "60");
    leave_descriptors(100);
    serve();
    ck_assert(et_test_logged(ET_L_WARN, "may keep 60 files open"));
}
END_TEST

START_TEST(what_leaves_room_is_not)
{
    et_test_option("cache_files", "1000");
    et_test_option("cache_entries", "40");
    leave_descriptors(100);
    serve();
    ck_assert(!et_test_logged(ET_L_WARN, "files open"));
}
END_TEST

/* ---- what nobody asks for ------------------------------------------------*/

/* Two rounds of the sweep. */
static void
pass_time(void)
{
    for (int i = 0; i < 2; i++) {
        et_test_wait(11000);
        while (et_test_loop())
            continue;
    }
}

START_TEST(what_nobody_asks_for_is_closed)
{
    int n;

    serve();
    n = open_files();
    get_all();
    ck_assert_int_eq(open_files(), n + FILES);
    pass_time();
    ck_assert_int_eq(open_files(), n);
    get_all();
    ck_assert_int_eq(open_files(), n + FILES);
    pass_time();
    pass_time();
    ck_assert_int_eq(open_files(), n);
}
END_TEST

START_TEST(what_is_asked_for_stays_open)
{
    int n;

    serve();
    n = open_files();
    get_all();
    ck_assert_uint_eq(get("/small"), 200);
    for (int i = 0; i < 10; i++) {
        et_test_wait(5000);
        while (et_test_loop())
            continue;
        ck_assert_uint_eq(get("/f7"), 200);
    }
    ck_assert_int_eq(open_files(), n + 1);
    ck_assert_int_eq(et_test_metric("hits"), 10);
    /* in memory it needs nothing */
    ck_assert_uint_eq(get("/small"), 200);
    ck_assert_int_eq(et_test_metric("hits"), 11);
}
END_TEST

START_TEST(what_needs_no_look_stays_as_long)
{
    et_test_option("revalidate", "1h");
    serve();
    ck_assert_uint_eq(get("/f7"), 200);
    pass_time();
    ck_assert_uint_eq(get("/f7"), 200);
    ck_assert_int_eq(et_test_metric("hits"), 1);
}
END_TEST

START_TEST(what_was_deleted_is_closed)
{
    int n;

    serve();
    n = open_files();
    ck_assert_uint_eq(get("/f7"), 200);
    ck_assert_int_eq(open_files(), n + 1);
    ck_assert_int_eq(unlink(at("f7")), 0);
    pass_time();
    while (open_files() != n) /* the closer's thread does it */
        usleep(1000);
}
END_TEST

UNIT_MAIN_IN(begin, end, descriptors, what_is_idle_makes_room,
             what_the_pool_opens_has_room_too,
             a_look_at_what_is_there_has_room_too,
             without_any_it_says_so_once_in_a_while, a_listing_has_room_too,
             a_listing_leaves_nothing_out_for_want_of_one,
             a_listing_that_cannot_be_made_is_refused,
             more_than_half_of_them_is_warned_of, what_leaves_room_is_not,
             what_nobody_asks_for_is_closed, what_is_asked_for_stays_open,
             what_needs_no_look_stays_as_long, what_was_deleted_is_closed)
