/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* compress.c - the plugin against the mock server: which answers it compresses,
 * by what, and what it says of them; bodies at once and in pieces. */
#include <etude_test.h>

#include "t/lib/unit.h"
#include "unpack.h"

#define MOST 200000

static char text[MOST + 1], back[MOST + 1];
static size_t length;
static uint32_t status;
static const char *type, *fields; /* "Name: value\n..." of the answer */
static int as_a_file;

/* ---- answers -------------------------------------------------------------*/

static int32_t
set_fields(et_req *r)
{
    const char *p = fields;
    while (p && *p) {
        const char *end = strchr(p, '\n');
        const et_field f = et_to_field(et_sn(p, (size_t)(end - p)));
        if (r->http->set(r, f.name, f.value, ET_ADD) < 0)
            return -1;
        p = end + 1;
    }
    return 0;
}

static uint32_t
answer(et_req *r, void *self)
{
    const et_piece v[] = {
        et_piece_mem(et_sn(text, length / 2)),
        et_piece_mem(et_sn(text + length / 2, length - length / 2))};
    (void)self;
    if (set_fields(r) < 0)
        return ET_FAIL;
    return as_a_file
               ? et_pieces(r, status, et_s(type), v, 2)
               : et_bytes_static(r, status, et_s(type), et_sn(text, length));
}

static void
begin(void)
{
    for (size_t i = 0; i < MOST; i++)
        text[i] = (char)('a' + (i * i / 7 + i / 100) % 11);
    length = 5000;
    status = 200;
    type = "text/html; charset=utf-8";
    fields = NULL;
    as_a_file = 0;
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
    et_test_inner(answer);
}

static void
again(const char *options)
{
    ck_assert_msg(et_test_reload(options) == 0, "%s", et_test_why());
    et_test_inner(answer);
}

static void
ask(const char *method, const char *accept)
{
    et_test_request(method, "/");
    if (accept)
        et_test_header("Accept-Encoding", accept);
    ck_assert_uint_eq(et_test_run(), status);
}

static int
says(const char *name, const char *value)
{
    const char *is = et_test_field(name, 0);
    return value ? is && strcmp(is, value) == 0 : !is;
}

/* It has come as it is. */
static void
is_plain(void)
{
    ck_assert(says("Content-Encoding", NULL));
    ck_assert_uint_eq(et_test_length(), length);
    ck_assert_int_eq(memcmp(et_test_text(), text, length), 0);
}

static void
is_coded(enum coding coding)
{
    static const char *const names[] = {"br", "zstd", "gzip"};
    size_t n;
    ck_assert(says("Content-Encoding", names[coding]));
    ck_assert(!et_test_field("Content-Encoding", 1));
    ck_assert(!et_test_is_cut());
    n = unpack(coding, et_test_text(), et_test_length(), back, sizeof back);
    ck_assert_uint_eq(n, length);
    ck_assert_int_eq(memcmp(back, text, n), 0);
}

/* ---- what the client says ------------------------------------------------*/

START_TEST(as_accept_encoding_has_it)
{
    static const struct {
        const char *accept;
        enum coding coding;
    } rows[] = {
        {NULL, CODING_NONE},
        {"", CODING_NONE},
        {"gzip", CODING_GZIP},
        {"GZIP", CODING_GZIP},
        {"x-gzip", CODING_GZIP},
        {"gzip;q=0", CODING_NONE},
        {"gzip;q=0.000", CODING_NONE},
        {"gzip;q=0.001", CODING_GZIP},
        {"gzip ; q=0.5 ,deflate", CODING_GZIP},
        {"deflate, compress", CODING_NONE},
        {"identity", CODING_NONE},
        {"identity, gzip;q=0.5", CODING_NONE},
        {"identity;q=0.5, gzip", CODING_GZIP},
        {"identity;q=0, deflate", CODING_NONE},
        {"*;q=0", CODING_NONE},
        {"gzip, *;q=0", CODING_GZIP},
        {",,,gzip,,", CODING_GZIP},
        {"gzip;;q=1", CODING_GZIP},
        {"gzip;q", CODING_GZIP},
        {"gzipp", CODING_NONE},
        {"g", CODING_NONE},
#ifdef COMPRESS_BR
        {"gzip, deflate, br", CODING_BR},
        {"*", CODING_BR},
        {"br;q=0.5, gzip", CODING_GZIP},
#endif
#if defined COMPRESS_BR && defined COMPRESS_ZSTD
        {"gzip, deflate, br, zstd", CODING_BR},
        {"*, br;q=0", CODING_ZSTD},
        {"zstd, gzip", CODING_ZSTD},
#endif
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask("GET", rows[i].accept);
        if (rows[i].coding == CODING_NONE)
            is_plain();
        else
            is_coded(rows[i].coding);
        ck_assert(says("Vary", "Accept-Encoding"));
    }
    et_test_request("GET", "/"); /* one list in two fields */
    et_test_header("Accept-Encoding", "*;q=0");
    et_test_header("accept-encoding", "gzip");
    ck_assert_uint_eq(et_test_run(), 200);
    is_coded(CODING_GZIP);
}
END_TEST

START_TEST(hostile_lists_are_read_to_their_end)
{
    char *list = malloc(60001);
    static const char *const parts[] = {
        "gzip;q=0,",       ";",  ",",   "*;q=0,",
        "gzip;q=0;q=0.9;", "\t", "=\"", "br;q=0,"};
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        size_t n = 0;
        while (n + strlen(parts[k]) <= 60000)
            n += (size_t)sprintf(list + n, "%s", parts[k]);
        ask("GET", list);
        is_plain();
    }
    free(list);
}
END_TEST

START_TEST(the_order_is_the_administrator_s)
{
    again("codings=gzip");
    ask("GET", "gzip, br, zstd");
    is_coded(CODING_GZIP);
    ask("GET", "br, zstd");
    is_plain();
#ifdef COMPRESS_ZSTD
    again("codings=zstd gzip br");
    ask("GET", "gzip, br, zstd");
    is_coded(CODING_ZSTD);
#endif
    again("codings=");
    ask("GET", "gzip, br, zstd");
    is_plain();
    ck_assert(says("Vary", NULL));
    ck_assert(et_test_reload("codings=deflate") < 0);
    ck_assert_str_eq(et_test_why(),
                     "codings: \"deflate\" is not br, zstd or gzip");
    ck_assert(et_test_reload("codings=gzip gzip") < 0);
    ck_assert(et_test_reload("types=te*xt/html") < 0);
    ck_assert(et_test_reload("types=text/html,text/css") < 0);
    ck_assert(et_test_reload("br_level=10") < 0);
}
END_TEST

/* ---- what the answer is --------------------------------------------------*/

/* Whether it is compressed, by whoever says he may; its Vary says so. */
static void
judge(int is_coded_)
{
    ask("GET", NULL);
    is_plain();
    ck_assert(is_coded_ ? says("Vary", "Accept-Encoding") : says("Vary", NULL));
    ask("GET", "gzip");
    if (is_coded_)
        is_coded(CODING_GZIP);
    else
        is_plain();
}

START_TEST(by_its_type)
{
    static const char *const good[] = {
        "text/plain",
        "TEXT/HTML",
        "application/json",
        "text/event-stream",
        "application/problem+json; charset=utf-8",
        "image/svg+xml",
        "application/wasm",
        "application/javascript ; charset=utf-8"};
    static const char *const bad[] = {"",           "image/png",
                                      "video/mp4",  "application/zip",
                                      "font/woff2", "application/octet-stream",
                                      "text",       "; text/plain",
                                      "xtext/plain"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        type = good[i];
        judge(1);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        type = bad[i];
        judge(0);
    }
    again("types=image/* application/x");
    type = "image/png";
    judge(1);
    type = "application/x";
    judge(1);
    type = "text/html";
    judge(0);
    ck_assert(et_test_reload("types=*") < 0);
}
END_TEST

START_TEST(by_its_status_and_length)
{
    static const uint32_t good[] = {200, 201, 203, 299, 404, 500, 503};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        status = good[i];
        judge(1);
    }
    length = 1024;
    judge(1);
    length = 1023;
    judge(0);
    again("min_size=0");
    judge(1);
    length = 0;
    judge(0);
    length = 1; /* it would be longer */
    ask("GET", "gzip");
    is_plain();
    ck_assert(says("Vary", "Accept-Encoding"));
}
END_TEST

/* It is not compressed, and says what its 200 would. */
START_TEST(a_part_varies_as_all_of_it)
{
    static const struct {
        const char *type, *fields, *vary;
    } rows[] = {
        {"text/html", "Content-Range: bytes 0-9/1024\n", "Accept-Encoding"},
        {"text/html", "Content-Range: bytes 0-9/1023\n", NULL},
        {"text/html", "Content-Range: bytes 0-9/*\n", "Accept-Encoding"},
        {"image/png", "Content-Range: bytes 0-9/1024\n", NULL},
        {"multipart/byteranges; boundary=x", NULL, "Accept-Encoding"},
        {"text/html",
         "Content-Range: bytes 0-9/1024\nCache-Control: no-transform\n", NULL},
        {"text/html", "Content-Range: bytes 0-9/1024\nContent-Encoding: br\n",
         NULL},
        {"text/html", "Content-Range: bytes 0-9/1024\nVary: accept-encoding\n",
         "accept-encoding"},
    };
    status = 206;
    length = 10;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        type = rows[i].type;
        fields = rows[i].fields;
        for (int k = 0; k < 2; k++) {
            ask("GET", k ? "gzip" : NULL);
            ck_assert_msg(says("Vary", rows[i].vary), "%zu", i);
            ck_assert(!et_test_field("Vary", 1));
            ck_assert_uint_eq(et_test_length(), length);
            ck_assert_int_eq(memcmp(et_test_text(), text, length), 0);
        }
    }
}
END_TEST

START_TEST(by_its_fields)
{
    fields = "Content-Encoding: br\n";
    ask("GET", "gzip");
    ck_assert(says("Content-Encoding", "br"));
    ck_assert_uint_eq(et_test_length(), length);
    ck_assert(says("Vary", NULL));
    fields = "Content-Range: bytes 0-4999/5000\n";
    judge(0);
    fields = "Cache-Control: max-age=5, No-Transform\n";
    judge(0);
    fields = "Cache-Control: max-age=5\nCache-Control: no-transform\n";
    judge(0);
    fields = "Cache-Control: max-age=5\n";
    judge(1);
}
END_TEST

START_TEST(what_is_said_of_it)
{
    fields = "ETag: \"x\"\nAccept-Ranges: bytes\nDigest: a\n"
             "Content-Digest: b\nRepr-Digest: c\nContent-MD5: d\nOther: e\n";
    ask("GET", "gzip");
    is_coded(CODING_GZIP);
    ck_assert(says("ETag", "W/\"x\""));
    ck_assert(says("Accept-Ranges", NULL));
    ck_assert(says("Digest", NULL));
    ck_assert(says("Content-Digest", NULL));
    ck_assert(says("Repr-Digest", NULL));
    ck_assert(says("Content-MD5", NULL));
    ck_assert(says("Other", "e"));
    ck_assert_str_eq(et_test_type(), "text/html; charset=utf-8");
    ask("GET", "deflate");
    is_plain();
    ck_assert(says("ETag", "\"x\""));
    ck_assert(says("Accept-Ranges", "bytes"));
    ck_assert(says("Digest", "a"));
    fields = "ETag: W/\"x\"\n";
    ask("GET", "gzip");
    ck_assert(says("ETag", "W/\"x\""));
}
END_TEST

START_TEST(vary_is_said_once)
{
    fields = "Vary: accept-encoding\n";
    ask("GET", "gzip");
    ck_assert(says("Vary", "accept-encoding"));
    ck_assert(!et_test_field("Vary", 1));
    fields = "Vary: *\n";
    ask("GET", "gzip");
    ck_assert(!et_test_field("Vary", 1));
    fields = "Vary: Cookie, Accept\n";
    ask("GET", "gzip");
    ck_assert(says("Vary", "Cookie, Accept"));
    ck_assert_str_eq(et_test_field("Vary", 1), "Accept-Encoding");
    ck_assert(!et_test_field("Vary", 2));
}
END_TEST

static void
not_modified(const char *known, const char *tag, const char *vary)
{
    et_test_request("GET", "/");
    et_test_header("Accept-Encoding", "gzip");
    et_test_header("If-None-Match", known);
    ck_assert_uint_eq(et_test_run(), 304);
    ck_assert(says("ETag", tag));
    ck_assert(says("Vary", vary));
    ck_assert(says("Content-Encoding", NULL));
}

START_TEST(who_knows_a_compressed_one_is_told_of_that)
{
    status = 304;
    length = 0;
    fields = "ETag: \"x\"\n";
    not_modified("\"x\"", "\"x\"", NULL);
    not_modified("W/\"x\"", "W/\"x\"", "Accept-Encoding");
    not_modified("\"y\", W/\"x\"", "W/\"x\"", "Accept-Encoding");
    not_modified("\"x\", W/\"y\"", "\"x\"", NULL);
    not_modified("*", "\"x\"", NULL);
    not_modified("\"", "\"x\"", NULL);
    fields = "ETag: W/\"x\"\n";
    not_modified("W/\"x\"", "W/\"x\"", NULL);
    fields = NULL;
    not_modified("W/\"x\"", NULL, NULL);
}
END_TEST

START_TEST(head_says_what_get_says)
{
    size_t n;
    fields = "ETag: \"x\"\n";
    ask("GET", "gzip");
    n = et_test_length();
    ask("HEAD", "gzip");
    ck_assert(says("Content-Encoding", "gzip"));
    ck_assert(says("ETag", "W/\"x\""));
    ck_assert(says("Vary", "Accept-Encoding"));
    ck_assert_uint_gt(n, 0);
    length = 100000; /* through the body step */
    ask("HEAD", "gzip");
    ck_assert(says("Content-Encoding", "gzip"));
    ck_assert_int_eq(et_test_metric("memory"), 0);
}
END_TEST

/* ---- bodies --------------------------------------------------------------*/

static const char *const accepts[] = {"br", "zstd", "gzip"};

static void
all_lengths(void)
{
    static const size_t lengths[] = {1024,  16383, 16384, 16385,  32767,
                                     32768, 32769, 65536, 100000, MOST};
    static const size_t pieces[] = {0, 1000, 4097, 16384};
    for (int coding = 0; coding < CODINGS; coding++) {
        if (!coders[coding])
            continue;
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
                length = lengths[i];
                as_a_file = k % 2 == 1;
                et_test_pieces(pieces[k]);
                ask("GET", accepts[coding]);
                is_coded((enum coding)coding);
            }
    }
    ck_assert_int_gt(et_test_metric("answers"), 0);
    ck_assert_int_gt(et_test_metric("plain"), et_test_metric("coded"));
}

START_TEST(of_every_length_and_in_pieces_of_every_length)
{
    all_lengths();
    again("whole=0");
    all_lengths();
    again("whole=40000"); /* between two of them */
    all_lengths();
}
END_TEST

static void
noise(void)
{
    for (int coding = 0; coding < CODINGS; coding++) {
        if (!coders[coding])
            continue;
        length = 10000;
        ask("GET", accepts[coding]);
        is_plain();
        length = MOST;
        ask("GET", accepts[coding]);
        is_coded((enum coding)coding);
        ck_assert_uint_lt(et_test_length(), MOST + MOST / 100);
    }
}

START_TEST(noise_grows_little_and_goes_as_it_is_at_once)
{
    unsigned x = 1;
    for (size_t i = 0; i < MOST; i++)
        text[i] = (char)((x = x * 1103515245u + 12345u) >> 16);
    noise();
    again("whole=0");
    noise();
}
END_TEST

START_TEST(all_levels_and_windows)
{
    char options[128];
    length = MOST;
    for (int level = 1; level <= 9; level++) {
        snprintf(options, sizeof options,
                 "br_level=%d\nzstd_level=%d\ngzip_level=%d\nwindow=%d\n"
                 "whole=%d",
                 level, level, level, 1024 << level, level % 4 < 2 ? MOST : 0);
        again(options);
        for (int coding = 0; coding < CODINGS; coding++) {
            if (!coders[coding])
                continue;
            length = level % 2 ? MOST : 9000;
            ask("GET", accepts[coding]);
            is_coded((enum coding)coding);
        }
    }
}
END_TEST

/* ---- contexts ------------------------------------------------------------*/

static int64_t most;

/* While an answer is compressed in pieces, or as a whole. */
static void
look(void)
{
    const int64_t n = et_test_metric("memory");
    most = n > most ? n : most;
}

static void
large(void)
{
    length = 150000;
    et_test_request("GET", "/");
    et_test_header("Accept-Encoding", "gzip");
}

static void
small(void)
{
    length = 5000;
    et_test_request("GET", "/");
    et_test_header("Accept-Encoding", "gzip");
}

static void
one_comes_back(const char *options, int64_t least_bytes, int64_t most_bytes,
               int waits)
{
    again(options);
    large();
    most = 0;
    et_test_meanwhile(look);
    ck_assert_uint_eq(et_test_run(), 200);
    is_coded(CODING_GZIP);
    et_test_meanwhile(NULL);
    ck_assert_int_gt(most, least_bytes);
    ck_assert_int_lt(most, most_bytes);
    ck_assert_int_ge(et_test_each_wait(large, ET_ECANCEL), waits);
    ck_assert_int_ge(et_test_each_wait(large, ET_ETIME), waits);
    ck_assert_int_gt(et_test_out_of_memory(large), 0);
    ck_assert_int_gt(et_test_out_of_memory(small), 0);
    ask("GET", "gzip"); /* there is one, and it is good */
    is_coded(CODING_GZIP);
    ck_assert_int_eq(et_test_metric("refused"), 0);
    ck_assert_int_eq(et_test_metric("memory"), 0);
}

START_TEST(they_come_back_whatever_happens)
{
    one_comes_back("contexts=1\nspare=1\nwhole=0", 200000, 400000, 4);
    one_comes_back("contexts=1\nspare=1", 300000, 1200000, 1);
    one_comes_back("contexts=1\nspare=0", 300000, 1200000, 1);
}
END_TEST

static void
all_whys(void)
{
    static const int32_t whys[] = {ET_ERETIRE, ET_ELIMIT};
    for (size_t i = 0; i < sizeof whys / sizeof whys[0]; i++) {
        large();
        et_test_fail_wait(1, whys[i]);
        ck_assert_uint_eq(et_test_run(), 200);
        ck_assert(!et_test_is_cut());
        is_coded(CODING_GZIP);
    }
    ck_assert_int_eq(et_test_metric("memory"), 0);
}

/* A whole that nobody takes on goes in pieces; with one context, too. */
START_TEST(what_has_begun_comes_to_its_end)
{
    again("whole=0");
    all_whys();
    again("contexts=1");
    all_whys();
}
END_TEST

/* ---- slices --------------------------------------------------------------*/

static int64_t before, largest;
static int n_waits;

/* While it waits so that others are served. */
static void
measure(void)
{
    const int64_t n = et_test_metric("plain");
    largest = n - before > largest ? n - before : largest;
    before = n;
    n_waits++;
}

static void
in_slices_of(int64_t slice, size_t piece)
{
    char options[32];
    snprintf(options, sizeof options, "slice=%d\nwhole=0", (int)slice);
    again(options);
    before = et_test_metric("plain");
    largest = n_waits = 0;
    et_test_pieces(piece);
    for (int coding = 0; coding < CODINGS; coding++) {
        if (!coders[coding])
            continue;
        et_test_meanwhile(measure);
        ask("GET", accepts[coding]);
        et_test_meanwhile(NULL);
        is_coded((enum coding)coding);
        ck_assert_int_ge(n_waits, MOST / slice - 1);
        ck_assert_int_gt(largest, 0);
        ck_assert_int_le(largest, slice);
        n_waits = 0;
        before = et_test_metric("plain");
    }
}

START_TEST(others_are_served_between_slices)
{
    length = MOST;
    in_slices_of(32768, 0);
    in_slices_of(32768, 5000);
    in_slices_of(5000, 0);
    in_slices_of(1024, 1000);
    in_slices_of(100000, 0);
}
END_TEST

START_TEST(a_whole_counts_once)
{
    length = MOST;
    et_test_pieces(5000);
    for (int coding = 0; coding < CODINGS; coding++) {
        const int64_t answers = et_test_metric("answers"),
                      plain = et_test_metric("plain"),
                      coded = et_test_metric("coded");
        if (!coders[coding])
            continue;
        ask("GET", accepts[coding]);
        is_coded((enum coding)coding);
        ck_assert_int_eq(et_test_metric("answers") - answers, 1);
        ck_assert_int_eq(et_test_metric("plain") - plain, MOST);
        ck_assert_int_eq(et_test_metric("coded") - coded,
                         (int64_t)et_test_length());
    }
}
END_TEST

UNIT_MAIN_IN(begin, et_test_end, compress, as_accept_encoding_has_it,
             hostile_lists_are_read_to_their_end,
             the_order_is_the_administrator_s, by_its_type,
             by_its_status_and_length, a_part_varies_as_all_of_it,
             by_its_fields, what_is_said_of_it, vary_is_said_once,
             who_knows_a_compressed_one_is_told_of_that,
             head_says_what_get_says,
             of_every_length_and_in_pieces_of_every_length,
             noise_grows_little_and_goes_as_it_is_at_once,
             all_levels_and_windows, they_come_back_whatever_happens,
             what_has_begun_comes_to_its_end, others_are_served_between_slices,
             a_whole_counts_once)
