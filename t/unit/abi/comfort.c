/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* comfort.c - the helpers of etude.h, and the mock server of etude_test.h,
 * tried on each other: this file is a plugin and its own test. */
#include <fcntl.h>

#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

struct options {
    et_str str, path;
    int64_t number, boolean, size, time, choice;
    et_rate rate;
    et_list list, headers;
    et_field header;
};

static int32_t
check(void *conf, et_err *e)
{
    const struct options *o = (const struct options *)conf;

    return o->number == 13 ? et_seterr(e, "%d brings bad luck", 13) : 0;
}

/* clang-format off */
ET_OPTIONS(struct options, check,
           ET_OPT_STR(str, NULL, ET_O_REQUIRED, "a string"),
           ET_OPT_PATH(path, "p", 0, "a path"),
           ET_OPT_INT(number, "-3", -5, 20, "a number"),
           ET_OPT_BOOL(boolean, "yes", "yes or no"),
           ET_OPT_SIZE(size, "64k", 0, 1 << 30, "bytes"),
           ET_OPT_TIME(time, "5s", 0, 0, "a time"),
           ET_OPT_CHOICE(choice, "b", "a|b|c", "one of three"),
           ET_OPT_RATE(rate, "10/s", "a rate"),
           ET_OPT_LIST(list, 0, "words"),
           ET_OPT_HEADERS(headers, 0, "fields"),
           ET_OPT_HEADER(header, "A: b", 0, "a field"));
/* clang-format on */

struct state {
    const struct options *options;
    int64_t count;
    et_store *store, *other;
};

static int n_inits, n_exits, n_loads, n_unloads, n_releases, saves_nothing;

static int32_t
init(et_worker *w, const void *from, void *state, et_err *e)
{
    struct state *s = (struct state *)state;

    (void)e;
    n_inits++;
    s->options = (const struct options *)from;
    s->store = et_store_open(w, "a store");
    s->other = et_store_open(w, "another");
    return 0;
}

static void
leave(et_worker *w, void *state)
{
    (void)w;
    (void)state;
    n_exits++;
}

static int32_t
save(et_worker *w, const void *state, void *out,
     int32_t (*put)(void *out, const void *p, size_t n))
{
    (void)w;
    return saves_nothing ? 0
                         : put(out, &((const struct state *)state)->count,
                               sizeof(int64_t));
}

static int32_t
load(et_worker *w, void *state, uint32_t version, const void *p, size_t n,
     et_err *e)
{
    (void)w;
    if (version != 4 || n != sizeof(int64_t))
        return et_seterr(e, "version %u, %zu bytes", version, n);
    memcpy(&((struct state *)state)->count, p, n);
    return 0;
}

ET_STATE_SAVED(struct state, 4, init, leave, save, load);

static int32_t
load_image(const et_host *h, et_err *e)
{
    (void)e;
    n_loads++;
    return h->iface(h, ET_IF_HTTP, sizeof(et_http)) ? 0 : ET_ENOTSUP;
}

static void
unload_image(void)
{
    n_unloads++;
}

ET_IMAGE(load_image, unload_image);

static uint32_t (*act)(et_req *r); /* what the route is to do */

static et_store *
store(void)
{
    return ((const struct state *)et_test_self())->store;
}

ET_ANY("/act/:one/*rest", run_act)
{
    ((struct state *)self)->count++;
    return act(r);
}

ET_GET("/act/fixed/path", fixed)
{
    return et_text(r, 200, "fixed");
}

ET_ROUTE("PUT,PATCH", "/body", body, ET_B_BUFFER, "a doc")
{
    return act(r);
}

ET_COMMAND(count, "the count")
{
    const int n = (int)((const struct state *)self)->count;

    (void)w;
    return et_eq(args, et_s("fail")) ? ET_EINVAL
                                     : put(out, &"0123456789"[n], 1);
}

ET_COUNTER(served, NULL, "a counter");
ET_GAUGE(level, NULL, "a gauge");
ET_HISTOGRAM(length, "bytes", "a histogram", 10, 100);

ET_PLUGIN("org.example.comfort", "1.0.0");

/* ---- its tests -----------------------------------------------------------*/

static void
open_plugin(void)
{
    n_inits = n_exits = n_loads = n_unloads = n_releases = 0;
    et_test_option("str", "s");
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

static uint32_t
run(const char *method, const char *target, uint32_t (*what)(et_req *r))
{
    act = what;
    et_test_request(method, target);
    return et_test_run();
}

START_TEST(numbers_are_read_to_the_last_bit)
{
    int64_t n = 42;

    ck_assert_int_eq(et_to_int(et_s("9223372036854775807"), 0, INT64_MAX, &n),
                     0);
    ck_assert(n == INT64_MAX);
    ck_assert_int_eq(et_to_int(et_s("-9223372036854775808"), INT64_MIN, 0, &n),
                     0);
    ck_assert(n == INT64_MIN);
    ck_assert_int_eq(et_to_int(et_s("-0"), -1, 1, &n), 0);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(et_to_int(et_s("0012"), 0, 12, &n), 0);
    ck_assert_int_eq(n, 12);
}
END_TEST

START_TEST(what_is_no_number_leaves_the_result_alone)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "x",
                                      "--1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999",
                                      "13"};
    int64_t n = 42;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const int64_t max = i < 11 ? INT64_MAX : 12;
        ck_assert_int_eq(et_to_int(et_s(bad[i]), INT64_MIN, max, &n),
                         ET_EINVAL);
    }
    ck_assert_int_eq(et_to_int(et_s(NULL), 0, 9, &n), ET_EINVAL);
    ck_assert_int_eq(n, 42);
}
END_TEST

START_TEST(secrets_and_strings_compare)
{
    ck_assert(et_same_secret(et_s("abc"), et_s("abc")));
    ck_assert(!et_same_secret(et_s("abd"), et_s("abc")));
    ck_assert(!et_same_secret(et_s("ab"), et_s("abc")));
    ck_assert(!et_same_secret(et_s(""), et_s("")));
    ck_assert(!et_same_secret(et_s(NULL), et_s(NULL)));
    ck_assert(et_eq(et_s(""), et_s(NULL)));
    ck_assert(!et_eq(et_s("a"), et_s("A")));
    ck_assert(et_eq_nocase(et_s("aZ@"), et_s("Az@")));
    ck_assert(!et_eq_nocase(et_s("a["), et_s("a{")));
    ck_assert(et_eq(et_trim(et_s(" \t a b\t ")), et_s("a b")));
    ck_assert_uint_eq(et_trim(et_s(" \t ")).n, 0);
    ck_assert(!et_to_field(et_s("no colon")).name.p);
    ck_assert(et_eq(et_to_field(et_s("A :  b: c ")).name, et_s("A")));
    ck_assert(et_eq(et_to_field(et_s("A :  b: c ")).value, et_s("b: c")));
}
END_TEST

START_TEST(lists_are_cut)
{
    et_str list = et_s(" a , b,,c ");

    ck_assert(et_eq(et_cut(&list, ','), et_s("a")));
    ck_assert(et_eq(et_cut(&list, ','), et_s("b")));
    ck_assert(et_eq(et_cut(&list, ','), et_s("")));
    ck_assert(et_eq(et_cut(&list, ','), et_s("c")));
    ck_assert_ptr_null(list.p);
    ck_assert_uint_eq(et_cut(&list, ',').n, 0);
}
END_TEST

START_TEST(weights_are_read)
{
    static const struct {
        const char *text;
        int q;
    } rows[] = {{"0", 0},     {"1", 1000},     {"0.5", 500},  {"0.123", 123},
                {"0.", 0},    {"1.000", 1000}, {"1.5", 1000}, {"0.1234", 1000},
                {"-1", 1000}, {"", 1000},      {"x", 1000},   {"0.x", 1000},
                {"2", 1000},  {"0,5", 1000},   {"0.01", 10}};
    char text[64];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "level=1; Q=%s", rows[i].text);
        ck_assert_msg(et_weight(et_s(text)) == rows[i].q, "%s: %d", text,
                      et_weight(et_s(text)));
        ck_assert_int_eq(et_weight(et_s(text + 9)), rows[i].q);
    }
    ck_assert_int_eq(et_weight(et_s(NULL)), 1000);
    ck_assert_int_eq(et_weight(et_s("level=1")), 1000);
    ck_assert_int_eq(et_weight(et_s("q")), 1000);
}
END_TEST

START_TEST(fields_a_response_may_not_have_are_refused)
{
    static const struct {
        const char *name, *value, *why;
    } rows[] = {
        {"X-A", "b", ""},
        {"X-A", "", ""},
        {"X-A", "a\tb \xc3\xa9", ""},
        {"", "b", "set[3]: \"\" is no header name"},
        {"a b", "b", "set[3]: \"a b\" is no header name"},
        {"Date", "b", "set[3]: Date belongs to the server"},
        {"connection", "b", "set[3]: connection belongs to the server"},
        {"X-A", "a\r\nX-B: c", "set[3]: not a header value"},
        {"X-A", "a\x7f", "set[3]: not a header value"},
        {"X-A", " a", "set[3]: not a header value"},
    };
    char why[100];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const et_field f = {et_s(rows[i].name), et_s(rows[i].value)};
        et_err e = {why, sizeof why, 0};
        ck_assert_int_eq(et_check_field(&e, "set", 3, f),
                         *rows[i].why ? ET_EINVAL : 0);
        ck_assert(et_eq(et_sn(why, e.n), et_s(rows[i].why)));
    }
}
END_TEST

START_TEST(quoting_into_a_buffer_ends_at_a_whole_character)
{
    static const char text[] = "\"\xc3\xa9\x01z";
    static const char whole[] = "\"\\\"\xc3\xa9\\u0001z\"";
    char out[sizeof whole];

    ck_assert_uint_eq(et_quote_to(out, sizeof whole - 1, et_s(text)),
                      sizeof whole - 1);
    ck_assert_mem_eq(out, whole, sizeof whole - 1);
    for (size_t cap = 2; cap < sizeof whole - 1; cap++) {
        const size_t n = et_quote_to(out, cap, et_s(text));
        ck_assert_uint_le(n, cap);
        ck_assert(n == 2 || n == 4 || n == 6 || n == 12);
        ck_assert_int_eq(out[n - 1], '"');
    }
}
END_TEST

static uint32_t
escape_all(et_req *r)
{
    char all[256];

    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    return et_text(r, 200, "%s\n%s\n%s", et_quote(r, et_sn(all, 256)),
                   et_html_escape(r, et_sn(all, 128)),
                   et_url_escape(r, et_sn(all, 256)));
}

START_TEST(every_byte_is_escaped_or_kept)
{
    const char *text;

    open_plugin();
    ck_assert_uint_eq(run("GET", "/act/1", escape_all), 404);
    ck_assert_uint_eq(run("GET", "/act/1/", escape_all), 200);
    text = et_test_text();
    ck_assert_ptr_nonnull(strstr(text, "\"\\u0000\\u0001"));
    ck_assert_ptr_nonnull(strstr(text, "\\b\\t\\n\\u000b\\f\\r\\u000e"));
    ck_assert_ptr_nonnull(strstr(text, "\\u001f !\\\"#$"));
    ck_assert_ptr_nonnull(strstr(text, "[\\\\]^"));
    ck_assert_ptr_nonnull(strstr(text, "~\x7f\xef\xbf\xbd\xef\xbf\xbd"));
    ck_assert_ptr_nonnull(strstr(text, " !&quot;#$%&amp;&#39;("));
    ck_assert_ptr_nonnull(strstr(text, "&lt;=&gt;"));
    ck_assert_ptr_nonnull(strstr(text, "\n%00%01%02"));
    ck_assert_ptr_nonnull(strstr(text, "%2C-.%2F0123456789%3A"));
    ck_assert_ptr_nonnull(strstr(text, "%5E_%60abc"));
    ck_assert_ptr_nonnull(strstr(text, "xyz%7B%7C%7D~%7F%80"));
}
END_TEST

/* Well-formed sequences are kept, all others become U+FFFD. */
START_TEST(only_utf8_passes_as_utf8)
{
    static const char *const good[] = {
        "\xc2\x80",     "\xdf\xbf",         "\xe0\xa0\x80",    "\xed\x9f\xbf",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xc3",
                                      "\xe2\x82",
                                      "\xf0\x9f\x98",
                                      "\xc3(",
                                      "\xff"};

    static const int32_t code[] = {0x80,   0x7ff,   0x800,   0xd7ff,
                                   0xffff, 0x10000, 0x10ffff};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        et_str s = et_s(good[i]);
        ck_assert_uint_eq(et_utf8_(good[i], strlen(good[i])), strlen(good[i]));
        ck_assert_int_eq(et_next_char(&s), code[i]);
        ck_assert_int_eq(et_next_char(&s), -1);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        et_str s = et_s(bad[i]);
        ck_assert_uint_eq(et_utf8_(bad[i], strlen(bad[i])), 0);
        ck_assert_int_eq(et_next_char(&s), -1);
        ck_assert_uint_eq(s.n, strlen(bad[i])); /* it stays */
    }
}
END_TEST

static uint32_t
print_much(et_req *r)
{
    et_str a = et_printf(r, "%0255d", 1), b = et_printf(r, "%0256d", 2);
    et_str c = et_printf(r, "%05000d", 3), d = et_printf(r, "%s", "");

    ck_assert_uint_eq(a.n, 255);
    ck_assert_uint_eq(b.n, 256);
    ck_assert_uint_eq(c.n, 5000);
    ck_assert_uint_eq(d.n, 0);
    ck_assert_ptr_nonnull(d.p);
    ck_assert_int_eq(a.p[a.n] + b.p[b.n] + c.p[c.n], 0);
    return et_text(r, 200, "%s%s%s", a.p, b.p, c.p);
}

START_TEST(printed_text_of_any_length_is_whole)
{
    open_plugin();
    ck_assert_uint_eq(run("GET", "/act/1/", print_much), 200);
    ck_assert_uint_eq(et_test_length(), 255 + 256 + 5000);
    ck_assert_str_eq(et_test_type(), "text/plain; charset=utf-8");
}
END_TEST

static uint32_t
copy_to_c(et_req *r)
{
    ck_assert_str_eq(et_cstr(r, et_param(r, "one")), "a b");
    ck_assert_str_eq(et_cstr(r, et_s(NULL)), "");
    ck_assert_ptr_null(et_cstr(r, et_sn("a\0b", 3)));
    ck_assert_ptr_null(et_param(r, "none").p);
    return et_html(r, 200, "%s", et_cstr(r, et_param(r, "rest")));
}

START_TEST(parameters_are_decoded_and_the_best_route_wins)
{
    open_plugin();
    ck_assert_uint_eq(run("GET", "/act/a%20b/c/%2Fd", copy_to_c), 200);
    ck_assert_str_eq(et_test_text(), "c/%2Fd");
    ck_assert_uint_eq(run("GET", "/act/a%20b/c/%2fd", copy_to_c), 200);
    ck_assert_str_eq(et_test_text(), "c/%2Fd");
    ck_assert_uint_eq(run("GET", "/act/fixed/path", NULL), 200);
    ck_assert_str_eq(et_test_text(), "fixed");
    ck_assert_uint_eq(run("GET", "/body", NULL), 405);
    ck_assert_uint_eq(run("GET", "/nowhere", NULL), 404);
}
END_TEST

static uint32_t
read_everything(et_req *r)
{
    ck_assert(et_eq(et_query(r, "a"), et_s("1 2")));
    ck_assert(et_eq(r->http->query(r, et_s("a"), 1), et_s("")));
    ck_assert(!et_query(r, "c").p);
    ck_assert(et_query(r, "b").p && !et_query(r, "b").n);
    ck_assert(et_eq(et_cookie(r, "k"), et_s("v")));
    ck_assert(et_eq(et_cookie(r, "q"), et_s("quoted")));
    ck_assert(!et_cookie(r, "none").p);
    ck_assert(et_eq(et_form(r, "f"), et_s("x&y")));
    ck_assert(et_eq(et_header(r, "hOST"), et_s("H.Example.:8080")));
    ck_assert(et_eq(r->host, et_s("h.example")));
    ck_assert(et_eq(et_peer(r), et_s("2001:db8::1")));
    ck_assert(et_eq(et_client_subject(r), et_s("CN=alice")));
    ck_assert(et_eq(et_client_sha256(r), et_s("00ff")));
    ck_assert(!et_client_names(r).p);
    ck_assert(et_eq(et_body(r), et_s("f=x%26y")));
    ck_assert_int_eq(r->http->number(r, ET_N_BODY_BYTES), 7);
    return et_status(r, 204);
}

START_TEST(everything_a_request_has_can_be_read)
{
    open_plugin();
    act = read_everything;
    et_test_request("PUT", "/body?a=1+2&b&a=");
    et_test_header("Host", "H.Example.:8080");
    et_test_header("Cookie", "k = v; q=\"quoted\"");
    et_test_header("Content-Type", "application/x-www-form-urlencoded; x");
    et_test_body("f=x%26y", 7);
    et_test_peer("2001:db8::1");
    et_test_client("CN=alice", "00ff", NULL);
    ck_assert_uint_eq(et_test_run(), 204);
    ck_assert(et_test_body_was_read());
}
END_TEST

static uint32_t
do_not_see_the_body(et_req *r)
{
    ck_assert_ptr_null(et_body(r).p);
    ck_assert_ptr_null(et_form(r, "f").p);
    ck_assert_int_eq(r->http->number(r, ET_N_BODY_BYTES), -1);
    return et_bytes(r, 200, et_s(""), et_sn("a\0b", 3));
}

START_TEST(a_body_nobody_asked_for_is_not_there)
{
    open_plugin();
    act = do_not_see_the_body;
    et_test_request("POST", "/act/1/");
    et_test_body("f=1", 3);
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert(!et_test_body_was_read());
    ck_assert_uint_eq(et_test_length(), 3);
    ck_assert_str_eq(et_test_type(), "");
}
END_TEST

static uint32_t
set_cookies(et_req *r)
{
    ck_assert_int_eq(et_set_cookie(r, "a", et_s("1"), NULL), 0);
    ck_assert_int_eq(et_set_cookie(r, "b", et_s(""), "Path=/x"), 0);
    ck_assert_int_eq(et_set_cookie(r, "c", et_s(NULL), "Path=/"), 0);
    ck_assert_int_eq(et_set_cookie(r, "d", et_s("2"), ""), 0);
    ck_assert_int_eq(et_set_cookie(r, "e", et_s("a b"), NULL), ET_EINVAL);
    ck_assert_int_eq(et_set_cookie(r, "e", et_s("a;b"), NULL), ET_EINVAL);
    ck_assert_int_eq(et_set_cookie(r, "e", et_s("\xc3\xa9"), NULL), ET_EINVAL);
    ck_assert_int_eq(et_set_cookie(r, "e=f", et_s("a"), NULL), ET_EINVAL);
    ck_assert_int_eq(et_set_cookie(r, "", et_s("a"), NULL), ET_EINVAL);
    ck_assert_int_eq(et_set_cookie(r, "e", et_s("a"), "x\r\ny: z"), ET_EINVAL);
    return et_status(r, 200);
}

START_TEST(cookies_are_careful_by_default)
{
    open_plugin();
    act = set_cookies;
    et_test_request("GET", "/act/1/");
    et_test_scheme("https");
    et_test_run();
    ck_assert_str_eq(et_test_field("set-cookie", 0),
                     "a=1; Path=/; HttpOnly; SameSite=Lax; Secure");
    ck_assert_str_eq(et_test_field("set-cookie", 1), "b=; Path=/x");
    ck_assert_str_eq(et_test_field("set-cookie", 2), "c=; Path=/; Max-Age=0");
    ck_assert_str_eq(et_test_field("set-cookie", 3), "d=2");
    ck_assert_ptr_null(et_test_field("set-cookie", 4));
}
END_TEST

static uint32_t
redirect(et_req *r)
{
    return et_redirect(r, 303, et_query(r, "to"));
}

START_TEST(a_redirect_cannot_split_the_answer)
{
    open_plugin();
    ck_assert_uint_eq(run("GET", "/act/1/?to=/x", redirect), 303);
    ck_assert_str_eq(et_test_field("Location", 0), "/x");
    ck_assert_uint_eq(run("GET", "/act/1/?to=/x%0d%0aA:b", redirect), 500);
    ck_assert_ptr_null(et_test_field("Location", 0));
    ck_assert(et_test_logged(ET_L_ERROR, "redirect"));
}
END_TEST

static uint32_t
log_all(et_req *r)
{
    char text[2001];

    et_log_error(r, "e%d", 1);
    et_warn(r->worker, "w%d", 2);
    et_info(r, "%02000d", 3);
    et_debug(r, "d");
    r->ctx.host->log(&r->ctx, 0, "odd", 3);
    memset(text, '-', sizeof text);
    memcpy(text, "long", 4);
    text[2000] = '!';
    r->ctx.host->log(&r->ctx, ET_L_ERROR, text, sizeof text);
    return et_fail(r, "%02000d", 4);
}

static uint32_t
panic_deep(et_req *r)
{
    et_text(r, 200, "all is well");
    et_panic(r, "no way on from %d", 42);
}

START_TEST(a_panic_ends_its_step)
{
    open_plugin();
    ck_assert_uint_eq(run("GET", "/act/1/", panic_deep), 500);
    ck_assert(et_test_logged(ET_L_ERROR, "no way on from 42"));
    ck_assert_uint_eq(run("GET", "/act/1/", log_all), 500);
    ck_assert(et_test_logged(ET_L_WARN, "w2"));
}
END_TEST

START_TEST(records_have_levels_and_a_bound)
{
    open_plugin();
    et_test_log_level(ET_L_INFO);
    ck_assert_uint_eq(run("GET", "/act/1/", log_all), 500);
    ck_assert(et_test_logged(ET_L_ERROR, "e1"));
    ck_assert(et_test_logged(ET_L_WARN, "w2"));
    ck_assert(et_test_logged(ET_L_INFO, "000"));
    ck_assert(!et_test_logged(ET_L_INFO, "3"));
    ck_assert(!et_test_logged(ET_L_DEBUG, "d"));
    ck_assert(et_test_logged(ET_L_ERROR, "000"));
    ck_assert(!et_test_logged(ET_L_ERROR, "4"));
    ck_assert(!et_test_logged(0, "odd") && et_test_logged(ET_L_ERROR, "odd"));
    ck_assert(et_test_logged(ET_L_ERROR, "long"));
    ck_assert(!et_test_logged(ET_L_ERROR, "!"));
}
END_TEST

START_TEST(a_reason_is_cut_to_its_buffer)
{
    char p[4] = "xxx";
    et_err e = {p, sizeof p, 0}, none = {NULL, 0, 0};

    ck_assert_int_eq(et_seterr(&e, "%s", "abcdef"), ET_EINVAL);
    ck_assert_uint_eq(e.n, 3);
    ck_assert_str_eq(p, "abc");
    et_seterr(&none, "%s", "abc");
    ck_assert_uint_eq(none.n, 0);
}
END_TEST

static const struct options *
options(void)
{
    return ((const struct state *)et_test_self())->options;
}

START_TEST(options_have_defaults_of_every_type)
{
    const struct options *o;

    open_plugin();
    o = options();
    ck_assert(et_eq(o->str, et_s("s")));
    ck_assert_str_eq(o->path.p, "/test/p");
    ck_assert_int_eq(o->number, -3);
    ck_assert_int_eq(o->boolean, 1);
    ck_assert_int_eq(o->size, 65536);
    ck_assert_int_eq(o->time, 5000);
    ck_assert_int_eq(o->choice, 1);
    ck_assert_int_eq(o->rate.count, 10);
    ck_assert_int_eq(o->rate.per_ms, 1000);
    ck_assert_uint_eq(o->list.n + o->headers.n, 0);
    ck_assert(et_eq(o->header.name, et_s("A")));
}
END_TEST

START_TEST(options_take_values_of_every_type)
{
    const struct options *o;

    et_test_option("path", "");
    et_test_option("number", "12");
    et_test_option("boolean", "off");
    et_test_option("size", "100000000");
    et_test_option("time", "250ms");
    et_test_option("choice", "c");
    et_test_option("rate", "6000/m");
    et_test_option("list", "one");
    et_test_option("list", "two");
    et_test_option("list", "");
    et_test_option("headers", "A: 1");
    et_test_option("header", "B:2");
    open_plugin();
    o = options();
    ck_assert_str_eq(o->path.p, "");
    ck_assert_int_eq(o->number, 12);
    ck_assert_int_eq(o->boolean, 0);
    ck_assert_int_eq(o->size, 100000000);
    ck_assert_int_eq(o->time, 250);
    ck_assert_int_eq(o->choice, 2);
    ck_assert_int_eq(o->rate.per_ms, 60000);
    ck_assert_uint_eq(o->list.n, 2);
    ck_assert(et_eq(o->list.v[1], et_s("two")));
    ck_assert_uint_eq(o->headers.n, 1);
    ck_assert(et_eq(o->header.value, et_s("2")));
}
END_TEST

START_TEST(options_that_do_not_fit_are_refused_by_name)
{
    static const char *const bad[][3] = {
        {"number", "x", "bad value of option number"},
        {"number", "21", "bad value of option number"},
        {"number", "13", "13 brings bad luck"},
        {"boolean", "Yes", "bad value of option boolean"},
        {"size", "2x", "bad value of option size"},
        {"size", "2g", "bad value of option size"},
        {"size", "8589934592g", "bad value of option size"},
        {"time", "5", "bad value of option time"},
        {"time", "5S", "bad value of option time"},
        {"choice", "d", "bad value of option choice"},
        {"rate", "5", "bad value of option rate"},
        {"rate", "5/y", "bad value of option rate"},
        {"header", "none", "bad value of option header"},
        {"header", "A : b", "bad value of option header"},
        {"header", "A: b\x01", "bad value of option header"},
        {"str", "t", "given twice: option str"},
        {"headers", "a b: c", "bad value of option headers"},
        {"sice", "1", "unknown option sice"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        et_test_option("str", "s");
        et_test_option(bad[i][0], bad[i][1]);
        ck_assert_int_lt(et_test_open(), 0);
        ck_assert_str_eq(et_test_why(), bad[i][2]);
        et_test_end();
    }
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "required option is missing: str");
}
END_TEST

static uint32_t
next(et_req *r)
{
    (void)r;
    return ET_NEXT;
}

START_TEST(a_state_that_saves_nothing_is_handed_over_too)
{
    open_plugin();
    saves_nothing = 1;
    ck_assert_int_lt(et_test_reload("str=new"), 0);
    ck_assert_str_eq(et_test_why(), "version 4, 0 bytes");
}
END_TEST

START_TEST(life_is_balanced_and_state_is_handed_over)
{
    open_plugin();
    run("GET", "/act/1/", next);
    run("GET", "/act/1/", next);
    ck_assert_str_eq(et_test_command("count", ""), "2");
    ck_assert_ptr_null(et_test_command("count", "fail"));
    ck_assert_int_eq(et_test_reload("str=new\nnumber=7"), 0);
    ck_assert(et_eq(options()->str, et_s("new")));
    ck_assert_str_eq(et_test_command("count", ""), "2");
    ck_assert_int_lt(et_test_reload("number=7"), 0);
    et_test_end();
    ck_assert_int_eq(n_inits, 2);
    ck_assert_int_eq(n_exits, 2);
    ck_assert_int_eq(n_loads, 1);
    ck_assert_int_eq(n_unloads, 1);
}
END_TEST

static uint32_t
odd(et_req *r)
{
    (void)r;
    return 99;
}

static uint32_t
done(et_req *r)
{
    (void)r;
    return ET_DONE;
}

static uint32_t
drop(et_req *r)
{
    (void)r;
    return ET_DROP;
}

START_TEST(steps_that_answer_nothing_valid_are_a_500)
{
    open_plugin();
    ck_assert_uint_eq(run("GET", "/act/1/", odd), 500);
    ck_assert(et_test_logged(ET_L_ERROR, "no valid result"));
    ck_assert_uint_eq(run("GET", "/act/1/", done), 500);
    ck_assert_uint_eq(run("GET", "/act/1/", next), 404);
    ck_assert_uint_eq(run("GET", "/act/1/", drop), 0);
    ck_assert_uint_eq(et_test_length(), 0);
}
END_TEST

static void
release(void *arg)
{
    free(arg);
    n_releases++;
}

static uint32_t
answer_twice(et_req *r)
{
    char *one = strdup("one"), *two = strdup("two"), *no = strdup("no");

    r->http->reply_ref(r, 200, et_s(""), one, 3, release, one);
    ck_assert_int_eq(n_releases, 0);
    ck_assert_uint_eq(r->http->reply_ref(r, 100, et_s(""), no, 2, release, no),
                      ET_FAIL);
    ck_assert_int_eq(n_releases, 1);
    return r->http->reply_ref(r, 201, et_s(""), two, 3, release, two);
}

START_TEST(referenced_bytes_are_released_exactly_once)
{
    open_plugin();
    ck_assert_uint_eq(run("GET", "/act/1/", answer_twice), 201);
    ck_assert_str_eq(et_test_text(), "two");
    ck_assert_int_eq(n_releases, 3);
}
END_TEST

static uint32_t
send_file(et_req *r)
{
    FILE *f = tmpfile();
    const int fd = f ? dup(fileno(f)) : -1;

    ck_assert_int_ge(fd, 0);
    fputs("0123456789", f);
    fclose(f);
    return et_file(r, 206, et_s("a/b"), fd, 2, 3);
}

START_TEST(a_part_of_a_file_can_be_sent)
{
    open_plugin();
    ck_assert_uint_eq(run("GET", "/act/1/", send_file), 206);
    ck_assert_str_eq(et_test_text(), "234");
}
END_TEST

static uint32_t
ignore_failures(et_req *r)
{
    et_set(r, "X-A", et_s("1"));
    et_printf(r, "%d", 1);
    et_query(r, "a");
    return et_json(r, 200, "{%s:%s}", et_quote(r, et_s("k")),
                   et_quote(r, et_s("v")));
}

static void
ask_for_it(void)
{
    act = ignore_failures;
    et_test_request("GET", "/act/1/");
}

/* As t/unit/http/resp.c and e2e/semantics.c have it of the server. */
static uint32_t
do_what_is_refused(et_req *r)
{
    static char large[65537];
    const char *p;

    memset(large, 'x', sizeof large);
    ck_assert_int_eq(et_set(r, "X-A", et_s("a\x01")), ET_EINVAL);
    ck_assert_int_eq(et_set(r, "X-A", et_s(" a\t")), 0);
    ck_assert_int_eq(et_set(r, "X-A", et_sn(large, sizeof large)), ET_ELIMIT);
    ck_assert_uint_eq(et_bytes(r, 200, et_s("a/b\r\nX: y"), et_s("")), ET_FAIL);
    ck_assert_uint_eq(r->http->reply_ref(r, 99, et_s(""), "x", 1, NULL, NULL),
                      ET_FAIL);
    p = (const char *)et_alloc(r, 1);
    ck_assert_int_ne(*p, 0); /* who wants zeros writes them */
    et_text(r, 200, "decided");
    ck_assert_ptr_null(et_alloc(r, (size_t)17 << 20));
    return ET_DONE;
}

START_TEST(an_answer_refuses_what_the_servers_refuses)
{
    open_plugin();
    ck_assert_uint_eq(run("GET", "/act/1/", do_what_is_refused), 500);
    ck_assert(!et_test_logged(ET_L_ERROR, "no valid result"));
    et_test_fail_set(ET_ENOMEM);
    ck_assert_int_eq(run("GET", "/act/1/", ignore_failures), 500);
    et_test_fail_set(ET_EINVAL);
    ck_assert_int_eq(run("GET", "/act/1/", ignore_failures), 200);
}
END_TEST

START_TEST(who_ignores_failed_allocations_still_sends_no_cut_answer)
{
    open_plugin();
    ck_assert_int_eq(et_test_out_of_memory(ask_for_it), 6);
    ask_for_it();
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_uint_eq(et_test_allocations(), 6);
    ck_assert_str_eq(et_test_text(), "{\"k\":\"v\"}");
}
END_TEST

START_TEST(a_function_can_be_called_alone)
{
    open_plugin();
    act = copy_to_c;
    et_test_request("GET", "/");
    et_test_param("one", "a b");
    et_test_param("rest", "r");
    ck_assert_uint_eq(et_test_call("run_act"), ET_DONE);
    ck_assert_uint_eq(et_test_status(), 200);
    ck_assert_str_eq(et_test_text(), "r");
    ck_assert_str_eq(et_test_type(), "text/html; charset=utf-8");
}
END_TEST

static uint32_t
count_all(et_req *r)
{
    et_count(r, served, 2);
    et_gauge_set(r, level, 40);
    et_gauge_add(r, level, -50);
    et_observe(r, length, 10);
    et_observe(r, length, 11);
    et_observe(r, length, 101);
    r->worker->metrics->add(r, 0, 1);
    r->worker->metrics->add(r, 4, 1);
    r->worker->metrics->add(r, served.handle, -1);
    r->worker->metrics->set(r, served.handle, 9);
    r->worker->metrics->add(r, length.handle, 9);
    r->worker->metrics->observe(r, level.handle, 9);
    return et_text(r, 200, "ok");
}

START_TEST(what_was_counted_can_be_asked_for)
{
    open_plugin();
    ck_assert_int_eq(et_test_metric("served"), 0);
    ck_assert_uint_eq(run("GET", "/act/fixed/x", count_all), 200);
    ck_assert_uint_eq(run("GET", "/act/fixed/x", count_all), 200);
    ck_assert_int_eq(et_test_reload("str=t"), 0);
    ck_assert_int_eq(et_test_metric("served"), 4);
    ck_assert_int_eq(et_test_metric("level"), -10);
    ck_assert_int_eq(et_test_metric("length"), 6);
    ck_assert_int_eq(et_test_metric_sum("length"), 244);
    ck_assert_int_eq(et_test_metric_bucket("length", 0), 2);
    ck_assert_int_eq(et_test_metric_bucket("length", 1), 2);
    ck_assert_int_eq(et_test_metric_bucket("length", 2), 2);
    ck_assert_int_eq(et_test_metric_bucket("length", 3), -1);
    ck_assert_int_eq(et_test_metric("nothing"), -1);
    et_test_end();
    open_plugin();
    ck_assert_int_eq(et_test_metric("served"), 0);
}
END_TEST

static uint32_t
count_keys(et_req *r)
{
    et_store *s = store();

    ck_assert_ptr_null(et_store_open(r->worker, "a store"));
    ck_assert_int_eq(et_store_add(s, et_s("a"), 2, 100), 2);
    ck_assert_int_eq(et_store_add(s, et_s("a"), 3, 100), 5);
    ck_assert_int_eq(et_store_add(s, et_s("b"), -1, 0), 0);
    ck_assert_int_eq(et_store_add(s, et_s(""), INT64_MAX, 0), INT64_MAX);
    ck_assert_int_eq(et_store_add(s, et_s(NULL), 1, 0), INT64_MAX);
    ck_assert_int_eq(et_store_total(s, et_s("a")), 5 + 37);
    ck_assert_int_eq(et_store_total(s, et_s("c")), 0);
    ck_assert_int_eq(et_store_total(s, et_s("")), INT64_MAX);
    ck_assert_int_eq(et_store_add(s, et_s("d"), 1, UINT64_MAX), 1);
    ck_assert_int_eq(et_store_total(s, et_s("d")), 1);
    return et_text(r, 200, "ok");
}

static uint32_t
keep_values(et_req *r)
{
    et_store *s = store(), *other = ((struct state *)et_test_self())->other;
    et_str one;

    ck_assert_ptr_null(et_store_get(s, et_s("a")).p);
    ck_assert_int_eq(et_store_put(s, et_s("a"), et_s("one"), 0), 0);
    ck_assert_int_eq(et_store_put(s, et_s("b"), et_s(NULL), 50), 0);
    one = et_store_get(s, et_s("a"));
    ck_assert_ptr_null(et_store_get(other, et_s("a")).p);
    ck_assert(et_eq(one, et_s("one")));
    ck_assert_int_eq(et_store_put(s, et_s("c"), one, 0), 0);
    ck_assert(et_eq(one, et_s("one"))); /* until the next get */
    ck_assert_uint_eq(et_store_get(s, et_s("b")).n, 0);
    ck_assert_ptr_nonnull(et_store_get(s, et_s("b")).p);
    return et_text(r, 200, "ok");
}

START_TEST(what_a_store_keeps_outlives_a_reload)
{
    open_plugin();
    et_test_store_others("a store", "a", 37);
    et_test_store_others("a store", "", 37);
    ck_assert_uint_eq(run("GET", "/act/1/", count_keys), 200);
    ck_assert_uint_eq(run("GET", "/act/1/", keep_values), 200);
    ck_assert_int_eq(et_test_reload("str=t"), 0);
    ck_assert_int_eq(et_store_add(store(), et_s("a"), 1, 0), 6);
    ck_assert(et_eq(et_store_get(store(), et_s("a")), et_s("one")));
    ck_assert_int_eq(et_store_del(store(), et_s("a")), 0);
    ck_assert_int_eq(et_store_total(store(), et_s("a")), 37);
    ck_assert_ptr_null(et_store_get(store(), et_s("a")).p);
    et_test_end();
    open_plugin();
    ck_assert_int_eq(et_store_total(store(), et_s("a")), 0);
}
END_TEST

START_TEST(what_a_store_keeps_has_an_end)
{
    et_store *s;

    open_plugin();
    s = store();
    et_store_add(s, et_s("a"), 1, 100);
    et_store_put(s, et_s("a"), et_s("v"), 120);
    et_test_store_wait(50);
    ck_assert_int_eq(et_store_add(s, et_s("a"), 1, 100), 2);
    et_test_store_wait(50);
    ck_assert_int_eq(et_store_total(s, et_s("a")), 0);
    ck_assert_uint_eq(et_store_get(s, et_s("a")).n, 1);
    ck_assert_int_eq(et_store_add(s, et_s("a"), 1, 0), 1);
    et_test_store_wait(20);
    ck_assert_ptr_null(et_store_get(s, et_s("a")).p);
    ck_assert_int_eq(et_store_total(s, et_s("a")), 1);
}
END_TEST

START_TEST(a_store_refuses_what_the_servers_refuses)
{
    static char large[ET_STORE_VALUE_MAX + 1];
    et_str long_key = et_sn(large, ET_STORE_KEY_MAX + 1);
    et_store *s;

    open_plugin();
    s = store();
    ck_assert_int_eq(et_store_add(s, long_key, 1, 0), ET_EINVAL);
    ck_assert_int_eq(et_store_total(s, long_key), ET_EINVAL);
    ck_assert_int_eq(et_store_put(s, long_key, et_s("v"), 0), ET_EINVAL);
    ck_assert_ptr_null(et_store_get(s, long_key).p);
    ck_assert_int_eq(et_store_del(s, long_key), ET_EINVAL);
    ck_assert_int_eq(et_store_put(s, et_s("a"), et_sn(large, sizeof large), 0),
                     ET_EINVAL);
    ck_assert_int_eq(et_store_add(s, et_s("a"), 1, 0), 1);
    ck_assert_int_eq(et_store_put(s, et_s("a"), et_s("v"), 0), 0);
    et_test_fail_store(ET_ELIMIT);
    ck_assert_int_eq(et_store_add(s, et_s("a"), 1, 0), 2);
    ck_assert_int_eq(et_store_add(s, et_s("b"), 1, 0), ET_ELIMIT);
    ck_assert_int_eq(et_store_put(s, et_s("a"), et_s("w"), 0), ET_ELIMIT);
    ck_assert_ptr_null(et_store_get(s, et_s("a")).p);
    et_test_end();
    et_test_hide_iface(ET_IF_STORE);
    open_plugin();
    ck_assert_ptr_null(store());
}
END_TEST

UNIT_MAIN_IN(
    NULL, et_test_end, comfort, numbers_are_read_to_the_last_bit,
    what_is_no_number_leaves_the_result_alone, secrets_and_strings_compare,
    lists_are_cut, weights_are_read, fields_a_response_may_not_have_are_refused,
    quoting_into_a_buffer_ends_at_a_whole_character,
    every_byte_is_escaped_or_kept, only_utf8_passes_as_utf8,
    printed_text_of_any_length_is_whole,
    parameters_are_decoded_and_the_best_route_wins,
    everything_a_request_has_can_be_read, a_body_nobody_asked_for_is_not_there,
    cookies_are_careful_by_default, a_redirect_cannot_split_the_answer,
    records_have_levels_and_a_bound, a_panic_ends_its_step,
    a_reason_is_cut_to_its_buffer, options_have_defaults_of_every_type,
    options_take_values_of_every_type,
    options_that_do_not_fit_are_refused_by_name,
    life_is_balanced_and_state_is_handed_over,
    a_state_that_saves_nothing_is_handed_over_too,
    steps_that_answer_nothing_valid_are_a_500,
    referenced_bytes_are_released_exactly_once, a_part_of_a_file_can_be_sent,
    an_answer_refuses_what_the_servers_refuses,
    who_ignores_failed_allocations_still_sends_no_cut_answer,
    a_function_can_be_called_alone, what_was_counted_can_be_asked_for,
    what_a_store_keeps_outlives_a_reload, what_a_store_keeps_has_an_end,
    a_store_refuses_what_the_servers_refuses)
