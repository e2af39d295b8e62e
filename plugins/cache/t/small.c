/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* small.c - what needs no request: Cache-Control, the arithmetic of RFC
 * 9111, the hash, keys, patterns of purges.  The store: store.c. */
#define _GNU_SOURCE
#include "plugins/cache/control.h"
#include "plugins/cache/policy.h"
#include "plugins/cache/t/keys.h"
#include "t/lib/unit.h"

/* A copy of its exact size, so that ASan sees who reads too far. */
static et_str
exact(const char *text, size_t n)
{
    char *p = malloc(n ? n : 1);

    ck_assert_ptr_nonnull(p);
    memcpy(p, text, n);
    return et_sn(p, n);
}

static void
drop(et_str s)
{
    free((char *)(uintptr_t)s.p);
}

/* ---- Cache-Control -------------------------------------------------------*/

static struct control
read_as(const char *text)
{
    struct control c;
    et_str s = exact(text, strlen(text));

    control_init(&c);
    control_add(&c, s);
    drop(s);
    return c;
}

START_TEST(directives_are_read)
{
    struct control c = read_as("Public, max-age=60 ,S-MAXAGE=\"7\",,"
                               " stale-while-revalidate=5, stale-if-error=6");

    ck_assert(c.is_public && !c.no_store && !c.is_private);
    ck_assert_int_eq(c.max_age, 60);
    ck_assert_int_eq(c.s_maxage, 7);
    ck_assert_int_eq(c.stale_while_revalidate, 5);
    ck_assert_int_eq(c.stale_if_error, 6);
    c = read_as("no-store,no-cache=\"set-cookie, x\",private,must-revalidate,"
                "proxy-revalidate,only-if-cached");
    ck_assert(c.no_store && c.no_cache && c.is_private && c.must_revalidate &&
              c.proxy_revalidate && c.only_if_cached && !c.is_public);
    ck_assert_int_eq(c.max_age, -1);
}
END_TEST

START_TEST(what_is_quoted_is_no_directive)
{
    struct control c = read_as("x=\"a, no-store, \\\", public\", max-age=1");

    ck_assert(!c.no_store && !c.is_public);
    ck_assert_int_eq(c.max_age, 1);
    c = read_as("x=\"\\");
    ck_assert_int_eq(c.max_age, -1);
}
END_TEST

/* A quote out of place may hide what forbids it. */
START_TEST(odd_quotes_are_as_no_store)
{
    static const char *const odd[] = {
        "x=\"max-age=1, no-cache", "max-age=1, x=\"",        "x=\"\\\"",
        "x=a\"b, no-cache, c\"d",  "\"max-age=1, private\"", "x= \"a\""};
    static const char *const fine[] = {"x=\"\"", "x=\"a\\\"b\", y",
                                       "x=\"=\", y=\",\""};
    struct control c;

    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        ck_assert_msg(read_as(odd[i]).no_store, "%s", odd[i]);
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        ck_assert_msg(!read_as(fine[i]).no_store, "%s", fine[i]);
    c = read_as("x=\"");
    control_add(&c, et_s("max-age=60")); /* another line heals nothing */
    ck_assert(c.no_store);
}
END_TEST

/* Whatever comes is read to its end and no further. */
START_TEST(noise_is_read)
{
    static const char bytes[] = "=,;\"\\ max-age0s1xpublic*/?:GMT\t";
    uint64_t x = 1;

    for (int i = 0; i < 20000; i++) {
        char text[40];
        size_t n;
        et_str s;
        struct control c;
        char room[256];
        struct key k;

        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        n = x >> 59;
        for (size_t at = 0; at < n; at++) {
            x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
            text[at] = bytes[(x >> 33) % (sizeof bytes - 1)];
        }
        s = exact(text, n);
        control_init(&c);
        control_add(&c, s);
        ck_assert_int_ge(c.max_age, -1);
        ck_assert_int_le(c.max_age, CONTROL_MAX_S);
        k = key_of(room, "x", "/a?b");
        (void)key_matches(&k, s);
        drop(s);
    }
}
END_TEST

START_TEST(odd_numbers_are_read_carefully)
{
    ck_assert_int_eq(read_as("max-age=-1").max_age, 0);
    ck_assert_int_eq(read_as("max-age=1.5").max_age, 0);
    ck_assert_int_eq(read_as("max-age").max_age, 0);
    ck_assert_int_eq(read_as("max-age=").max_age, 0);
    ck_assert_int_eq(read_as("max-age=\"").max_age, 0);
    ck_assert_int_eq(read_as("max-age=99999999999999999999999").max_age,
                     CONTROL_MAX_S);
    ck_assert_int_eq(read_as("max-age=9, max-age=3, max-age=5").max_age, 3);
    ck_assert_int_eq(read_as("=, =5, ,").max_age, -1);
}
END_TEST

/* ---- the arithmetic ------------------------------------------------------*/

#define NOW INT64_C(784111777)

static const struct rules no_rules;
static struct terms terms;

/* May an answer of that status with these fields be stored? */
static int
judge(const struct rules *rules, uint32_t status, const char *control,
      const char *expires)
{
    struct facts f;

    memset(&f, 0, sizeof f);
    f.status = status;
    f.control = read_as(control);
    f.expires = et_s(expires);
    f.now_s = NOW;
    return policy_judge(rules, &f, &terms);
}

START_TEST(the_most_particular_lifetime_counts)
{
    static const struct rules rules = {7000, 8000, 0, 0};

    ck_assert(judge(&rules, 200, "s-maxage=1, max-age=2",
                    "Sun, 06 Nov 1994 08:49:40 GMT"));
    ck_assert_int_eq(terms.fresh_ms, 1000);
    ck_assert(judge(&rules, 200, "max-age=2", "Sun, 06 Nov 1994 08:49:40 GMT"));
    ck_assert_int_eq(terms.fresh_ms, 2000);
    ck_assert(judge(&rules, 200, "", "Sun, 06 Nov 1994 08:49:40 GMT"));
    ck_assert_int_eq(terms.fresh_ms, 3000);
    ck_assert(judge(&rules, 200, "", NULL));
    ck_assert_int_eq(terms.fresh_ms, 7000);
    ck_assert(judge(&rules, 404, "", NULL));
    ck_assert_int_eq(terms.fresh_ms, 8000);
    ck_assert(judge(&rules, 200, "", "Fri, 31 Dec 9999 23:59:59 GMT"));
    ck_assert_int_eq(terms.fresh_ms, CONTROL_MAX_S * 1000);
}
END_TEST

START_TEST(what_may_not_be_stored_is_not)
{
    static const char *const not [] = {
        "no-store, max-age=9",
        "private, max-age=9",
        "no-cache, max-age=9",
        "max-age=0",
        "max-age=9, s-maxage=0",
        "",
        "max-age=x",
        "public",
    };
    struct facts f;

    for (size_t i = 0; i < sizeof not / sizeof not [0]; i++)
        ck_assert_msg(!judge(&no_rules, 200, not [i], NULL), "%s", not [i]);
    ck_assert(!judge(&no_rules, 200, "", "0"));
    ck_assert(!judge(&no_rules, 200, "", "Sun, 06 Nov 1994 08:49:37 GMT"));
    memset(&f, 0, sizeof f);
    f.status = 200;
    f.control = read_as("max-age=9");
    ck_assert(policy_judge(&no_rules, &f, &terms));
    f.sets_cookie = 1;
    ck_assert(!policy_judge(&no_rules, &f, &terms));
    f.sets_cookie = 0;
    f.age = et_s("8");
    ck_assert(policy_judge(&no_rules, &f, &terms));
    f.age = et_s("9"); /* it is stale when it comes */
    ck_assert(!policy_judge(&no_rules, &f, &terms));
}
END_TEST

/* Any other is an answer to one request, or of a server in trouble, or is not
 * known. */
START_TEST(of_these_statuses_only)
{
    static const uint32_t stored[] = {200, 203, 204, 300, 301, 302, 303,
                                      307, 308, 404, 405, 410, 414, 451};
    const size_t n = sizeof stored / sizeof stored[0];
    size_t k = 0;

    for (uint32_t i = 100; i < 1000; i++) {
        const int is_listed = k < n && stored[k] == i;

        ck_assert_msg(judge(&no_rules, i, "public, max-age=9", NULL) ==
                          is_listed,
                      "%u", i);
        k += (size_t)is_listed;
    }
    ck_assert_uint_eq(k, n);
}
END_TEST

START_TEST(with_credentials_only_what_is_public)
{
    static const char *const fine[] = {"public, max-age=9", "s-maxage=9",
                                       "must-revalidate, max-age=9"};
    struct facts f;

    memset(&f, 0, sizeof f);
    f.status = 200;
    f.is_authorized = 1;
    f.control = read_as("max-age=9");
    ck_assert(!policy_judge(&no_rules, &f, &terms));
    for (size_t i = 0; i < 3; i++) {
        f.control = read_as(fine[i]);
        ck_assert(policy_judge(&no_rules, &f, &terms));
        ck_assert(terms.is_public);
    }
}
END_TEST

START_TEST(stale_for_as_long_as_is_allowed)
{
    static const struct rules rules = {0, 0, 5000, 9000};

    ck_assert(judge(&rules, 200, "max-age=10", NULL));
    ck_assert_int_eq(policy_use(&terms, 0), USE_FRESH);
    ck_assert_int_eq(policy_use(&terms, 9999), USE_FRESH);
    ck_assert_int_eq(policy_use(&terms, 10000), USE_WHILE);
    ck_assert_int_eq(policy_use(&terms, 15000), USE_ERROR);
    ck_assert_int_eq(policy_use(&terms, 19000), USE_NOT);
    /* it says so itself; it forbids it, in three ways */
    ck_assert(judge(&rules, 200, "max-age=10, stale-while-revalidate=1", NULL));
    ck_assert_int_eq(policy_use(&terms, 11000), USE_ERROR);
    ck_assert(judge(&rules, 200, "s-maxage=10, stale-if-error=2", NULL));
    ck_assert_int_eq(policy_use(&terms, 11000), USE_ERROR);
    ck_assert(judge(&rules, 200, "s-maxage=10", NULL));
    ck_assert_int_eq(policy_use(&terms, 10000), USE_NOT);
    ck_assert(judge(&rules, 200, "max-age=10, must-revalidate", NULL));
    ck_assert_int_eq(policy_use(&terms, 10000), USE_NOT);
    ck_assert(judge(&rules, 200,
                    "max-age=10, proxy-revalidate, stale-if-error=9", NULL));
    ck_assert_int_eq(policy_use(&terms, 10000), USE_NOT);
    /* never fresh, but good for others meanwhile, as it says */
    ck_assert(judge(&rules, 200, "max-age=0, stale-while-revalidate=1", NULL));
    ck_assert_int_eq(policy_use(&terms, 0), USE_WHILE);
    ck_assert_int_eq(policy_use(&terms, 1000), USE_ERROR);
    ck_assert_int_eq(policy_use(&terms, 9000), USE_NOT);
}
END_TEST

START_TEST(rules_have_nothing_stored_for_being_stale)
{
    static const struct rules rules = {0, 0, 5000, 9000};
    static const uint32_t status[] = {200, 201, 302, 403, 404, 429};
    struct facts f;

    for (size_t i = 0; i < sizeof status / sizeof status[0]; i++) {
        ck_assert(!judge(&rules, status[i], "", NULL));
        ck_assert(!judge(&rules, status[i], "public", NULL));
        ck_assert(!judge(&rules, status[i], "max-age=0", NULL));
        ck_assert(!judge(&rules, status[i], "", "0"));
        ck_assert(!judge(&rules, status[i], "stale-if-error=9", NULL));
    }
    memset(&f, 0, sizeof f);
    f.status = 200;
    f.control = read_as("max-age=9");
    f.age = et_s("9");
    ck_assert(!policy_judge(&rules, &f, &terms));
    f.age = et_s("8");
    ck_assert(policy_judge(&rules, &f, &terms));
    ck_assert_int_eq(terms.while_ms, 14000);
}
END_TEST

START_TEST(what_succeeds_and_is_unsafe_invalidates)
{
    static const uint32_t unsafe[] = {ET_M_POST, ET_M_PUT, ET_M_DELETE,
                                      ET_M_PATCH, ET_M_OTHER};

    for (size_t i = 0; i < 5; i++) {
        ck_assert(policy_invalidates(unsafe[i], 200));
        ck_assert(policy_invalidates(unsafe[i], 303));
        ck_assert(!policy_invalidates(unsafe[i], 404));
        ck_assert(!policy_invalidates(unsafe[i], 500));
        ck_assert(!policy_invalidates(unsafe[i], 0));
    }
    ck_assert(!policy_invalidates(ET_M_GET, 200));
    ck_assert(!policy_invalidates(ET_M_HEAD, 200));
    ck_assert(!policy_invalidates(ET_M_OPTIONS, 200));
}
END_TEST

/* ---- the hash ------------------------------------------------------------*/

START_TEST(the_hash_is_siphash_1_3)
{
    /* Of the bytes 0, 1, 2 ... under the key 0 to 15, as other implementations
     * have it. */
    static const uint64_t known[] = {
        UINT64_C(0xabac0158050fc4dc), UINT64_C(0xc9f49bf37d57ca93),
        UINT64_C(0x82cb9b024dc7d44d), UINT64_C(0x8bf80ab8e7ddf7fb),
        UINT64_C(0xcf75576088d38328), UINT64_C(0xdef9d52f49533b67),
        UINT64_C(0xc50d2b50c59f22a7), UINT64_C(0xd3927d989bb11140),
        UINT64_C(0x369095118d299a8e), UINT64_C(0x25a48eb36c063de4)};
    const struct secret s = {
        {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
    char text[16];

    for (size_t n = 0; n < sizeof known / sizeof known[0]; n++) {
        et_str t;

        for (size_t i = 0; i < n; i++)
            text[i] = (char)i;
        t = exact(text, n);
        ck_assert_uint_eq(hash_of(&s, t), known[n]);
        drop(t);
    }
}
END_TEST

/* ---- keys ----------------------------------------------------------------*/

/* Is that the key of a request with that field and target, whose host is h? */
static int
has_key(const char *host, const char *target, const char *text, size_t n)
{
    char room[KEY_MAX];
    struct key k;
    et_req r;
    const et_str t = exact(target, strlen(target));
    int is_it;

    memset(&r, 0, sizeof r);
    r.scheme = et_s("http");
    r.host = et_s("h");
    r.target = t;
    r.path = et_s("/");
    ck_assert_int_eq(key_make(&r, et_s(host), &secret, room, &k), 0);
    is_it = et_eq(k.text, et_sn(text, n));
    drop(t);
    return is_it;
}

#define HAS_KEY(host, target, text)                                            \
    has_key(host, target, text, sizeof(text) - 1)

START_TEST(one_address_is_one_key_in_either_form)
{
    ck_assert(HAS_KEY("h", "/x?y", "http\0h\0\0/x?y"));
    ck_assert(HAS_KEY("h:8", "/x", "http\0h\0008\0/x"));
    ck_assert(HAS_KEY("h:8", "/http://g/x", "http\0h\0008\0/http://g/x"));
    ck_assert(HAS_KEY("h", "http://h/x?y", "http\0h\0\0/x?y"));
    ck_assert(HAS_KEY("g:9", "http://H:8/x", "http\0h\0008\0/x"));
    ck_assert(HAS_KEY("g:9", "HTTPS://h/x", "http\0h\0\0/x"));
    ck_assert(HAS_KEY("h", "http://h", "http\0h\0\0/"));
    ck_assert(HAS_KEY("h", "http://h?y", "http\0h\0\0/?y"));
    ck_assert(HAS_KEY("h", "http://[::1]:8", "http\0h\0008\0/"));
    ck_assert(HAS_KEY("h", "http:", "http\0h\0\0/"));
}
END_TEST

START_TEST(a_pattern_is_a_path_a_host_or_what_begins_so)
{
    char room[256];
    const struct key k = key_of(room, "a.example", "/news/1?page=2");
    static const char *const yes[] = {"*",
                                      "/news/1",
                                      "/news/*",
                                      "/*",
                                      "/news/1*",
                                      "a.example/*",
                                      "A.Example/news/1",
                                      "/news/1?page=2",
                                      "/news/1?pa*",
                                      "/news/1?*",
                                      "a.example/news/1?page=2"};
    static const char *const no[] = {"/news",     "/news/1?",       "/news/12",
                                     "a.example", "b.example/*",    "news/1",
                                     "",          "/news/1?page=1", "x*",
                                     "/?*",       "a.exampl/news/1"};

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        ck_assert_msg(key_matches(&k, et_s(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        ck_assert_msg(!key_matches(&k, et_s(no[i])), "%s", no[i]);
}
END_TEST

START_TEST(a_port_in_a_pattern_is_that_of_host)
{
    static const char text[] = "http\0a.example\00099\0/x";
    static const char *const yes[] = {"a.example/x", "A.example:99/x",
                                      "a.example:99/*"};
    static const char *const no[] = {"a.example:/x",    "a.example:9/x",
                                     "a.example:990/x", "a.example99/x",
                                     "b.example:99/x",  "a.example:80/x",
                                     ":99/x",           "a.example:99/y"};
    char room[256], copied[64];
    struct key k, copy;

    key_from(et_sn(text, sizeof text - 1), &secret, &k);
    k.path = et_s("/x");
    key_copy(&k, copied, &copy);
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        ck_assert_msg(key_matches(&copy, et_s(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        ck_assert_msg(!key_matches(&copy, et_s(no[i])), "%s", no[i]);
    k = key_of(room, "a.example", "/x");
    ck_assert(!key_matches(&k, et_s("a.example:99/x")));
    ck_assert(key_matches(&k, et_s("a.example:/x")));
}
END_TEST

UNIT_MAIN(small, directives_are_read, what_is_quoted_is_no_directive,
          odd_quotes_are_as_no_store, noise_is_read,
          odd_numbers_are_read_carefully, the_most_particular_lifetime_counts,
          what_may_not_be_stored_is_not, of_these_statuses_only,
          with_credentials_only_what_is_public, stale_for_as_long_as_is_allowed,
          rules_have_nothing_stored_for_being_stale,
          what_succeeds_and_is_unsafe_invalidates, the_hash_is_siphash_1_3,
          one_address_is_one_key_in_either_form,
          a_pattern_is_a_path_a_host_or_what_begins_so,
          a_port_in_a_pattern_is_that_of_host)
