/* SPDX-License-Identifier: BSD-2-Clause */
/* WebSocket frames: what is read is the same at every cut, each rule refuses
 * what is against it, and what is written is read back. */
/* tags: asan */
#include "proto/ws.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

#define ROOM 140000u

/* ---- bytes of a client ---------------------------------------------------*/

struct wire {
    char p[ROOM];
    size_t n;
    uint32_t mask;
};

static void
put(struct wire *wire, const void *p, size_t n)
{
    ck_assert_uint_le(wire->n + n, ROOM);
    if (n > 0)
        memcpy(wire->p + wire->n, p, n);
    wire->n += n;
}

/* A frame as the writer makes it, but masked; each has another mask. */
static void
put_frame(struct wire *wire, unsigned first, const void *payload, size_t n)
{
    char head[WS_HEAD_MAX], mask[4];
    size_t at, len = ws_frame_head(head, first, n);

    wire->mask = wire->mask * 1103515245u + 12345u;
    memcpy(mask, &wire->mask, sizeof mask);
    head[1] = (char)(head[1] | 0x80);
    put(wire, head, len);
    put(wire, mask, sizeof mask);
    at = wire->n;
    put(wire, payload, n);
    for (size_t i = 0; i < n; i++)
        wire->p[at + i] ^= mask[i % 4];
}

/* "t:Hel|P:x|C:lo": the small letter is a frame without FIN, '*' in front of it
 * is RSV1. */
static void
put_script(struct wire *wire, const char *script)
{
    static const char letters[] = "ctb.....xpo";

    wire->n = 0;
    while (*script != '\0') {
        size_t n = strcspn(script, "|");
        unsigned first = *script == '*' ? WS_RSV1 : 0;
        const char *letter = script + (*script == '*'), *text = letter + 2;

        ck_assert(letter[1] == ':');
        first |= *letter < 'a' ? WS_FIN : 0;
        first |= (unsigned)(strchr(letters, *letter | 0x20) - letters);
        put_frame(wire, first, text, (size_t)(script + n - text));
        script += n + (script[n] == '|');
    }
}

/* ---- what a reader says --------------------------------------------------*/

struct reader {
    struct ws w;
    char message[ROOM], log[1024];
    size_t n, log_n;
    int has_begun, err;
};

static void
reader_init(struct reader *r, uint64_t max_frame, uint64_t max_message,
            int has_deflate)
{
    ws_init(&r->w, max_frame, max_message, has_deflate);
    r->n = r->log_n = 0;
    r->has_begun = r->err = 0;
    r->log[0] = '\0';
}

/* "text(Hello) "; of what is long the length and a sum. */
static void
say(struct reader *r, const char *what, const char *p, size_t n)
{
    size_t room = sizeof r->log - r->log_n;
    uint32_t sum = 0;
    int k;

    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + (uint8_t)p[i];
    if (n <= 64)
        k = snprintf(r->log + r->log_n, room, "%s(%.*s) ", what, (int)n, p);
    else
        k = snprintf(r->log + r->log_n, room, "%s(#%zu %u) ", what, n, sum);
    ck_assert_int_lt(k, (int)room);
    r->log_n += (size_t)k;
}

static void
on_data(struct reader *r, const char *p, size_t used)
{
    const struct ws *w = &r->w;

    UNIT_HOLDS(w->is_first == !r->has_begun);
    UNIT_HOLDS(w->data.n > 0 || w->is_last);
    UNIT_HOLDS(w->data.n == 0 || w->data.p + w->data.n == p + used);
    UNIT_HOLDS(r->n + w->data.n <= ROOM);
    if (w->data.n > 0)
        memcpy(r->message + r->n, w->data.p, w->data.n);
    r->n += w->data.n;
    r->has_begun = !w->is_last;
    if (!w->is_last)
        return;
    if (w->is_compressed)
        say(r, w->opcode == WS_OP_TEXT ? "*text" : "*data", r->message, r->n);
    else
        say(r, w->opcode == WS_OP_TEXT ? "text" : "data", r->message, r->n);
    r->n = 0;
}

static void
on_result(struct reader *r, int rc, const char *p, size_t used)
{
    char code[16];

    switch (rc) {
    case WS_DATA: on_data(r, p, used); break;
    case WS_PING: say(r, "ping", r->w.data.p, r->w.data.n); break;
    case WS_PONG: say(r, "pong", r->w.data.p, r->w.data.n); break;
    case WS_CLOSE:
        snprintf(code, sizeof code, "close%u", r->w.code);
        say(r, code, r->w.data.p, r->w.data.n);
        break;
    default: UNIT_HOLDS(rc < 0); r->err = rc;
    }
}

/* One piece, between the ends of what may be touched; behind an error too. */
static void
feed(struct reader *r, const char *piece, size_t n)
{
    char *p = guard_end(piece, n);
    size_t used;
    int rc, was_wrong = r->err < 0;

    do {
        rc = ws_next(&r->w, p, n, &used);
        UNIT_HOLDS(used <= n);
        UNIT_HOLDS(rc != WS_MORE || used == n);
        UNIT_HOLDS(rc == WS_MORE || !was_wrong);
        if (rc != WS_MORE)
            on_result(r, rc, p, used);
        p += used;
        n -= used;
    } while (rc > 0);
}

static struct wire wire;
static struct reader whole, other;
/* What is allowed, in judge. */
static uint64_t max_frame = 1000000, max_message = 1000000;
static int has_deflate;

static void
same_as_whole(size_t cut)
{
    ck_assert_msg(other.err == whole.err && !strcmp(other.log, whole.log),
                  "cut %zu: %s%s not %s%s", cut, other.log, err_name(other.err),
                  whole.log, err_name(whole.err));
}

/* Read the wire whole, at each cut that is a multiple of step, and in pieces of
 * 1, 2, 3, ... 9 bytes; all say the same, which stays in `whole`. */
static void
judge(size_t step)
{
    reader_init(&whole, max_frame, max_message, has_deflate);
    feed(&whole, wire.p, wire.n);
    for (size_t cut = 0; cut <= wire.n; cut += step) {
        reader_init(&other, max_frame, max_message, has_deflate);
        feed(&other, wire.p, cut);
        feed(&other, wire.p + cut, wire.n - cut);
        same_as_whole(cut);
    }
    for (size_t piece = 1; piece < 10; piece++) {
        reader_init(&other, max_frame, max_message, has_deflate);
        for (size_t i = 0; i < wire.n; i += piece)
            feed(&other, wire.p + i, wire.n - i < piece ? wire.n - i : piece);
        same_as_whole(piece);
    }
}

static void
says(const char *script, int err, const char *wanted)
{
    put_script(&wire, script);
    judge(1);
    ck_assert_msg(whole.err == err && strcmp(whole.log, wanted) == 0,
                  "%s: %s %s", script, whole.log, err_name(whole.err));
}

/* ---- messages ------------------------------------------------------------*/

START_TEST(messages_are_read_at_every_cut)
{
    static const struct {
        const char *script, *wanted;
    } rows[] = {
        {"", ""},
        {"T:", "text() "},
        {"B:", "data() "},
        {"T:Hello", "text(Hello) "},
        {"T:Hello|T:World|B:!", "text(Hello) text(World) data(!) "},
        {"t:Hel|C:lo", "text(Hello) "},
        {"b:Hel|c:l|C:o|T:x", "data(Hello) text(x) "},
        {"t:|c:|C:", "text() "},
        {"t:|c:mid|C:", "text(mid) "},
        {"t:a|c:|c:|c:b|C:", "text(ab) "},
        {"t:begun|c: and not ended", ""},
        {"t:\xc3|c:|C:\xa4", "text(\xc3\xa4) "},
        {"P:", "ping() "},
        {"P:Hello|O:|O:Hello", "ping(Hello) pong() pong(Hello) "},
        {"t:Hel|P:x|C:lo", "ping(x) text(Hello) "},
        {"b:H|P:1|c:e|O:2|P:|C:y", "ping(1) pong(2) ping() data(Hey) "},
        {"t:\xc3|P:\xff|C:\xa4", "ping(\xff) text(\xc3\xa4) "},
        {"X:", "close1005() "},
        {"X:\x03\xe8", "close1000() "},
        {"X:\x03\xe9"
         "bye \xc3\xa4",
         "close1001(bye \xc3\xa4) "},
        {"t:Hel|X:\x03\xe8", "close1000() "},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        says(rows[i].script, 0, rows[i].wanted);
}
END_TEST

START_TEST(behind_a_close_nothing_is_read)
{
    says("X:\x03\xe8|P:x|T:\xff|c:|X:y", 0, "close1000() ");
}
END_TEST

/* Sections 3.1, 3.2, 5.4 and 5.5. */
START_TEST(frames_out_of_place_are_refused)
{
    static const struct {
        const char *script, *wanted;
        int err;
    } rows[] = {
        {"C:x", "", ERR_WS_ORDER},
        {"c:x", "", ERR_WS_ORDER},
        {"T:a|C:x", "text(a) ", ERR_WS_ORDER},
        {"t:a|C:b|C:x", "text(ab) ", ERR_WS_ORDER},
        {"t:a|T:x", "", ERR_WS_ORDER},
        {"t:|t:x", "", ERR_WS_ORDER},
        {"b:a|P:1|B:x", "ping(1) ", ERR_WS_ORDER},
        {"P:1|p:x", "ping(1) ", ERR_WS_FRAME},
        {"t:a|o:x", "", ERR_WS_FRAME},
        {"x:\x03\xe8", "", ERR_WS_FRAME},
        {"P:\xe8\xe8|X:\x03", "ping(\xe8\xe8) ", ERR_WS_CLOSE},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        says(rows[i].script, rows[i].err, rows[i].wanted);
}
END_TEST

START_TEST(compression_is_where_it_was_agreed_on)
{
    says("*T:x", ERR_WS_FRAME, "");
    says("*B:x", ERR_WS_FRAME, "");
    has_deflate = 1;
    says("*T:x|T:y|*B:z|B:", 0, "*text(x) text(y) *data(z) data() ");
    says("*t:x|c:y|P:p|C:z", 0, "ping(p) *text(xyz) ");
    says("*t:x|*C:y", ERR_WS_FRAME, "");
    says("t:x|*C:y", ERR_WS_FRAME, "");
    says("*P:x", ERR_WS_FRAME, "");
    says("*O:x", ERR_WS_FRAME, "");
    says("*X:", ERR_WS_FRAME, "");
    /* what is compressed is not UTF-8, until it is inflated */
    says("*T:\xff|T:\xc3\xa4", 0, "*text(\xff) text(\xc3\xa4) ");
    says("*t:\xff|C:\xc3|T:\xff", ERR_UTF8, "*text(\xff\xc3) ");
}
END_TEST

START_TEST(texts_are_utf8)
{
    static const char *const bad[] = {
        "T:\x80",          "T:\xc3",           "T:\xc3|T:\xa4",
        "t:\xc3|C:",       "t:\xc3|C:a",       "t:\xc3|P:\xa4|C:\xc3",
        "T:\xed\xa0\x80",  "t:\xed|C:\xa0",    "T:\xf4\x90\x80\x80",
        "t:ab|c:\xc0|C:z", "t:a|c:|c:|C:\xff",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        put_script(&wire, bad[i]);
        judge(1);
        ck_assert_msg(whole.err == ERR_UTF8, "%s", bad[i]);
        ck_assert_ptr_null(strstr(whole.log, "text"));
    }
    says("B:\xff\xc0|B:\x80", 0, "data(\xff\xc0) data(\x80) ");
    says("T:a\xc3\xa4|T:\x80", ERR_UTF8, "text(a\xc3\xa4) ");
}
END_TEST

/* 6.3 and 6.4: neither the end of the message nor that of the frame has to
 * come. */
START_TEST(a_wrong_text_is_refused_at_its_first_wrong_byte)
{
    static const char text[] = "t:\xce\xba\xe1\xbd\xb9|c:\xf4\x90\x80\x80 more";
    size_t used, wrong_at = 6 + 5 + 6 + 1;
    struct ws w;

    put_script(&wire, text);
    ws_init(&w, 100, 100, 0);
    for (size_t i = 0; i < wrong_at; i++)
        ck_assert_int_ge(ws_next(&w, wire.p + i, 1, &used), 0);
    ck_assert_uint_gt(w.left, 0);
    ck_assert_int_eq(ws_next(&w, wire.p + wrong_at, 1, &used), ERR_UTF8);
}
END_TEST

/* ---- heads ---------------------------------------------------------------*/

/* What the rules of 5.2, 5.4 and 5.5 say of a first byte. */
static int
rule_of_first(unsigned byte, int in_message, int deflates)
{
    unsigned opcode = byte & 15;
    int is_fin = byte >> 7 & 1, rsv1 = byte >> 6 & 1;

    if (byte & 0x30 || (opcode > 2 && opcode < 8) || opcode > 10)
        return ERR_WS_FRAME;
    if (opcode >= 8)
        return is_fin && !rsv1 ? 0 : ERR_WS_FRAME;
    if (rsv1 && (opcode == 0 || !deflates))
        return ERR_WS_FRAME;
    return (opcode == 0) == in_message ? 0 : ERR_WS_ORDER;
}

START_TEST(every_first_byte_is_as_the_rules_say)
{
    for (unsigned v = 0; v < 1024; v++) {
        int in_message = v >> 8 & 1, deflates = v >> 9 & 1;
        char byte = (char)v;
        struct ws w;
        size_t used;

        ws_init(&w, 100, 100, deflates);
        if (in_message) {
            put_script(&wire, "t:x");
            ck_assert_int_eq(ws_next(&w, wire.p, wire.n, &used), WS_DATA);
        }
        ck_assert_int_eq(ws_next(&w, &byte, 1, &used),
                         rule_of_first(v & 255, in_message, deflates));
    }
}
END_TEST

/* Heads up to their mask, and no more of them than it takes to refuse. */
START_TEST(lengths_are_as_short_as_can_be)
{
    static const struct {
        size_t n;
        const char *head;
        int rc;
    } rows[] = {
        {2, "\x82\x80", 0},
        {2, "\x82\xfd", 0},
        {4, "\x82\xfe\0\x7e", 0},
        {4, "\x82\xfe\xff\xff", 0},
        {10, "\x82\xff\0\0\0\0\0\1\0\0", 0},
        {10, "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 0},
        {4, "\x82\xfe\0\0", ERR_WS_FRAME},
        {4, "\x82\xfe\0\x7d", ERR_WS_FRAME},
        {10, "\x82\xff\0\0\0\0\0\0\0\0", ERR_WS_FRAME},
        {10, "\x82\xff\0\0\0\0\0\0\xff\xff", ERR_WS_FRAME},
        {10, "\x82\xff\x80\0\0\0\0\1\0\0", ERR_WS_FRAME},
        {10, "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", ERR_WS_FRAME},
        {2, "\x82\x05", ERR_WS_MASK},
        {2, "\x81\x00", ERR_WS_MASK},
        {2, "\x89\x00", ERR_WS_MASK},
        {2, "\x82\x7e", ERR_WS_MASK},
        {2, "\x89\xfd", 0},
        {2, "\x89\xfe", ERR_WS_FRAME},
        {2, "\x8a\xff", ERR_WS_FRAME},
        {2, "\x88\xfe", ERR_WS_FRAME},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ws w;
        size_t used;
        int rc = 0;

        ws_init(&w, UINT64_MAX, UINT64_MAX, 0);
        for (size_t k = 0; k < rows[i].n; k++) {
            ck_assert_msg(rc == 0, "row %zu at %zu", i, k);
            rc = ws_next(&w, guard_end(rows[i].head + k, 1), 1, &used);
        }
        ck_assert_msg(rc == rows[i].rc, "row %zu: %d", i, rc);
    }
}
END_TEST

START_TEST(frames_and_messages_are_bounded_to_the_byte)
{
    max_frame = 5;
    max_message = 8;
    says("T:12345|T:1234", 0, "text(12345) text(1234) ");
    says("T:123456", ERR_WS_LARGE, "");
    says("t:12345|C:678", 0, "text(12345678) ");
    says("t:12345|C:6789", ERR_WS_LARGE, "");
    says("t:12345|c:678|P:123456789|c:|C:", 0,
         "ping(123456789) text(12345678) ");
    says("t:12345|c:678|C:9", ERR_WS_LARGE, "");
    max_frame = max_message = 0;
    says("T:|P:1|T:1", ERR_WS_LARGE, "text() ping(1) ");
}
END_TEST

/* The sum of lengths does not wrap round. */
START_TEST(lengths_up_to_the_last_bit_do_not_overflow)
{
    static const char large[] = "\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff";
    struct ws w;
    size_t used;

    put_script(&wire, "b:123");
    put(&wire, large, 10);
    ws_init(&w, UINT64_MAX, INT64_MAX, 0);
    ck_assert_int_eq(ws_next(&w, wire.p, wire.n, &used), WS_DATA);
    ck_assert_int_eq(ws_next(&w, wire.p + used, 10, &used), ERR_WS_LARGE);

    put_script(&wire, "b:123");
    put(&wire, large, 10);
    put(&wire, "\0\0\0\0!", 5);
    ws_init(&w, UINT64_MAX, UINT64_MAX, 0);
    ck_assert_int_eq(ws_next(&w, wire.p, wire.n, &used), WS_DATA);
    ck_assert_int_eq(ws_next(&w, wire.p + used, 15, &used), WS_DATA);
    ck_assert_uint_eq(used, 15);
    ck_assert_uint_eq(w.left, INT64_MAX - 1);
    ck_assert_uint_eq(w.is_first, 0);
    ck_assert_uint_eq(w.is_last, 0);
}
END_TEST

/* ---- closing -------------------------------------------------------------*/

static int
close_with(const void *payload, size_t n)
{
    wire.n = 0;
    put_frame(&wire, WS_FIN | WS_OP_CLOSE, payload, n);
    judge(1);
    return whole.err;
}

/* RFC 6455 7.4.1 and 7.4.2, and those that IANA has registered since. */
START_TEST(codes_of_a_close_are_those_that_may_be_sent)
{
    static const unsigned edges[] = {0,    999,  1000, 1001, 1002, 1003, 1004,
                                     1005, 1006, 1007, 1008, 1009, 1010, 1011,
                                     1012, 1013, 1014, 1015, 1016, 1100, 2000,
                                     2999, 3000, 3999, 4000, 4999, 5000, 65535};

    for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
        unsigned code = edges[i];
        char payload[2] = {(char)(code >> 8), (char)code};
        int is_good = code >= 1000 && code < 5000 && code != 1004 &&
                      code != 1005 && code != 1006 &&
                      (code <= 1014 || code >= 3000);

        ck_assert_int_eq(close_with(payload, 2), is_good ? 0 : ERR_WS_CLOSE);
        ck_assert_int_eq(ws_code_is_valid(code), is_good);
        if (is_good)
            ck_assert_uint_eq(whole.w.code, code);
    }
}
END_TEST

START_TEST(reasons_of_a_close_are_whole_and_utf8)
{
    char payload[WS_CONTROL_MAX] = "\x03\xe8";

    ck_assert_int_eq(close_with("\x03", 1), ERR_WS_CLOSE);
    ck_assert_int_eq(close_with("\x03\xe8\xc3", 3), ERR_UTF8);
    ck_assert_int_eq(close_with("\x03\xe8\xc3\xa4", 4), 0);
    ck_assert_int_eq(close_with("\x03\xe8ok\xce\xba\xed\xa0\x80", 9), ERR_UTF8);
    ck_assert_int_eq(close_with("\x03\xec\xff", 3), ERR_WS_CLOSE);
    memset(payload + 2, 'x', sizeof payload - 2);
    ck_assert_int_eq(close_with(payload, sizeof payload), 0);
    ck_assert_uint_eq(whole.w.data.n, sizeof payload - 2);
}
END_TEST

START_TEST(errors_have_the_code_to_close_with)
{
    static const struct {
        int err;
        unsigned code;
    } rows[] = {
        {ERR_UTF8, 1007},     {ERR_WS_LARGE, 1009}, {ERR_WS_FRAME, 1002},
        {ERR_WS_ORDER, 1002}, {ERR_WS_MASK, 1002},  {ERR_WS_CLOSE, 1002},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_uint_eq(ws_code_of(rows[i].err), rows[i].code);
}
END_TEST

/* ---- sizes ---------------------------------------------------------------*/

static char pattern[66000];

static void
make_pattern(void)
{
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)('!' + i * 7 % 90);
}

/* 1.1 and 1.2, and with a frame in front, so that everything is moved. */
START_TEST(messages_of_all_sizes)
{
    static const size_t sizes[] = {0,   1,   124, 125,   126,   127,
                                   128, 255, 256, 65535, 65536, 65537};

    make_pattern();
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t n = sizes[i];

        wire.n = 0;
        put_frame(&wire, WS_FIN | WS_OP_PING, "!", 1);
        put_frame(&wire, WS_FIN | WS_OP_TEXT, pattern, n);
        put_frame(&wire, WS_FIN | WS_OP_BINARY, pattern, n);
        judge(n < 1000 ? 1 : 5003);
        ck_assert_int_eq(whole.err, 0);
        reader_init(&other, 0, 0, 0);
        say(&other, "ping", "!", 1);
        say(&other, "text", pattern, n);
        say(&other, "data", pattern, n);
        ck_assert_str_eq(whole.log, other.log);
    }
}
END_TEST

/* 2.1 to 2.5 */
START_TEST(pings_of_all_sizes)
{
    make_pattern();
    for (size_t n = 0; n <= WS_CONTROL_MAX; n++) {
        wire.n = 0;
        put_frame(&wire, WS_FIN | WS_OP_PING, pattern, n);
        reader_init(&whole, 0, 0, 0);
        feed(&whole, wire.p, wire.n);
        ck_assert_uint_eq(whole.w.data.n, n);
        ck_assert_mem_eq(whole.w.data.p, pattern, n);
    }
}
END_TEST

/* Payload at each alignment, cut in three anywhere: each phase of the mask. */
START_TEST(payload_is_unmasked_wherever_it_stands)
{
    enum { LEN = 29 };
    char area[LEN + 16], *p;
    struct ws w;
    size_t used;

    make_pattern();
    for (size_t v = 0; v < 8 * LEN * LEN; v++) {
        size_t cuts[] = {v / 8 % LEN, v / 8 / LEN, LEN}, from = 0;

        wire.n = 0;
        put_frame(&wire, WS_FIN | WS_OP_BINARY, pattern, LEN);
        ws_init(&w, LEN, LEN, 0);
        ck_assert_int_eq(ws_next(&w, wire.p, 6, &used), WS_MORE);
        p = area + v % 8;
        memset(area, 0, sizeof area);
        memcpy(p, wire.p + 6, LEN);
        for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
            if (cuts[i] <= from)
                continue;
            UNIT_HOLDS(ws_next(&w, p + from, cuts[i] - from, &used) == WS_DATA);
            UNIT_HOLDS(w.data.p == p + from && used == cuts[i] - from);
            from = cuts[i];
        }
        UNIT_HOLDS(w.is_last && memcmp(p, pattern, LEN) == 0);
        UNIT_HOLDS(p[LEN] == 0 && (p == area || p[-1] == 0));
    }
}
END_TEST

START_TEST(a_piece_says_where_in_its_message_it_is)
{
    struct ws w;
    size_t used;

    put_script(&wire, "t:12345|C:678");
    ws_init(&w, 100, 100, 0);
    ck_assert_int_eq(ws_next(&w, wire.p, 6 + 2, &used), WS_DATA);
    ck_assert(w.is_first && !w.is_last && w.data.n == 2 && w.left == 3);
    ck_assert_int_eq(ws_next(&w, wire.p + 8, wire.n - 8, &used), WS_DATA);
    ck_assert(!w.is_first && !w.is_last && w.data.n == 3 && w.left == 0);
    ck_assert_uint_eq(used, 3);
    ck_assert_int_eq(ws_next(&w, wire.p + 11, wire.n - 11, &used), WS_DATA);
    ck_assert(!w.is_first && w.is_last && w.data.n == 3 && w.left == 0);
    ck_assert_int_eq(ws_next(&w, wire.p, 0, &used), WS_MORE);
}
END_TEST

/* ---- the examples of RFC 6455 5.7 ----------------------------------------*/

#define HELLO_MASKED "\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"

START_TEST(the_examples_of_the_rfc_are_read)
{
    wire.n = 0;
    put(&wire, "\x81\x85" HELLO_MASKED "\x8a\x85" HELLO_MASKED, 22);
    judge(1);
    ck_assert_int_eq(whole.err, 0);
    ck_assert_str_eq(whole.log, "text(Hello) pong(Hello) ");
}
END_TEST

START_TEST(the_examples_of_the_rfc_are_written)
{
    static const struct {
        unsigned first;
        uint64_t n;
        size_t len;
        const char *head;
    } rows[] = {
        {WS_FIN | WS_OP_TEXT, 5, 2, "\x81\x05"},
        {WS_OP_TEXT, 3, 2, "\x01\x03"},
        {WS_FIN | WS_OP_CONTINUATION, 2, 2, "\x80\x02"},
        {WS_FIN | WS_OP_PING, 5, 2, "\x89\x05"},
        {WS_FIN | WS_OP_BINARY, 256, 4, "\x82\x7e\x01\x00"},
        {WS_FIN | WS_OP_BINARY, 65536, 10, "\x82\x7f\0\0\0\0\0\1\0\0"},
        /* RFC 7692 7.2.3.1 */
        {WS_FIN | WS_RSV1 | WS_OP_TEXT, 7, 2, "\xc1\x07"},
        {WS_FIN | WS_OP_BINARY, 0, 2, "\x82\x00"},
        {WS_FIN | WS_OP_BINARY, 125, 2, "\x82\x7d"},
        {WS_FIN | WS_OP_BINARY, 126, 4, "\x82\x7e\0\x7e"},
        {WS_FIN | WS_OP_BINARY, 65535, 4, "\x82\x7e\xff\xff"},
        {WS_FIN | WS_OP_BINARY, INT64_MAX, 10,
         "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char head[WS_HEAD_MAX];

        ck_assert_uint_eq(ws_frame_head(head, rows[i].first, rows[i].n),
                          rows[i].len);
        ck_assert_mem_eq(head, rows[i].head, rows[i].len);
    }
}
END_TEST

START_TEST(a_close_is_written)
{
    char out[WS_CONTROL_MAX], long_one[] = "12345678901234567890"
                                           "12345678901234567890"
                                           "12345678901234567890"
                                           "12345678901234567890"
                                           "12345678901234567890"
                                           "12345678901234567890"
                                           "12\xe1\xbd\xb9 more";
    et_str none = {NULL, 0}, reason = str_from_z(long_one);

    ck_assert_int_eq(ws_close_payload(out, WS_CODE_GOING_AWAY, none), 2);
    ck_assert_mem_eq(out, "\x03\xe9", 2);
    ck_assert_int_eq(ws_close_payload(out, 4999, str_lit("bye")), 5);
    ck_assert_mem_eq(out,
                     "\x13\x87"
                     "bye",
                     5);
    ck_assert_int_eq(ws_close_payload(out, WS_CODE_NONE, none), 0);
    ck_assert_int_eq(ws_close_payload(out, WS_CODE_NONE, str_lit("x")),
                     ERR_WS_CLOSE);
    ck_assert_int_eq(ws_close_payload(out, 1006, none), ERR_WS_CLOSE);
    ck_assert_int_eq(ws_close_payload(out, 1000, str_lit("\xff")), ERR_UTF8);
    ck_assert_int_eq(ws_close_payload(out, 1000, str_lit("\xc3")), ERR_UTF8);
    /* 123 bytes would tear the character of three behind the 122nd */
    ck_assert_int_eq(ws_close_payload(out, 1000, reason), 124);
    ck_assert_mem_eq(out + 2, long_one, 122);
    reason.n -= 5;
    ck_assert_int_eq(ws_close_payload(out, 1000, reason), 124);
    reason.p += 2;
    reason.n -= 2;
    ck_assert_int_eq(ws_close_payload(out, 1000, reason), 125);
    ck_assert_mem_eq(out + 122, "\xe1\xbd\xb9", 3);
}
END_TEST

UNIT_MAIN(ws, messages_are_read_at_every_cut, behind_a_close_nothing_is_read,
          frames_out_of_place_are_refused,
          compression_is_where_it_was_agreed_on, texts_are_utf8,
          a_wrong_text_is_refused_at_its_first_wrong_byte,
          every_first_byte_is_as_the_rules_say, lengths_are_as_short_as_can_be,
          frames_and_messages_are_bounded_to_the_byte,
          lengths_up_to_the_last_bit_do_not_overflow,
          codes_of_a_close_are_those_that_may_be_sent,
          reasons_of_a_close_are_whole_and_utf8,
          errors_have_the_code_to_close_with, messages_of_all_sizes,
          pings_of_all_sizes, payload_is_unmasked_wherever_it_stands,
          a_piece_says_where_in_its_message_it_is,
          the_examples_of_the_rfc_are_read, the_examples_of_the_rfc_are_written,
          a_close_is_written)
