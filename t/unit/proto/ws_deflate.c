/* SPDX-License-Identifier: BSD-2-Clause */
/* permessage-deflate: which offer is accepted, and with what answer. */
#include "proto/ws_deflate.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

#define PMD "permessage-deflate"

/* All that the RFC knows; a compressor that keeps little and wants little. */
static const struct ws_deflate_terms any = {
    .server_bits_min = 8,
    .server_bits_max = 15,
    .client_bits_max = 15,
};
static const struct ws_deflate_terms modest = {
    .server_bits_min = 9,
    .server_bits_max = 12,
    .client_bits_max = 11,
    .server_no_context = 1,
    .client_no_context = 1,
};

static int
choose(const char *offers, const struct ws_deflate_terms *terms,
       struct ws_deflate *agreed)
{
    size_t n = strlen(offers);

    return ws_deflate_choose((et_str){guard_end(offers, n), n}, terms, agreed);
}

/* wanted: the answer; NULL if nothing is agreed. */
static void
answers(const char *offers, const struct ws_deflate_terms *terms,
        const char *wanted)
{
    char out[WS_DEFLATE_ANSWER_MAX + 1];
    struct ws_deflate agreed, again;
    int rc = choose(offers, terms, &agreed);

    ck_assert_msg(rc == (wanted != NULL), "%s: %d", offers, rc);
    if (wanted == NULL)
        return;
    out[ws_deflate_answer(out, &agreed)] = '\0';
    ck_assert_msg(strcmp(out, wanted) == 0, "%s: %s", offers, out);
    /* the same terms have the same answer to it */
    ck_assert_int_eq(choose(out, terms, &again), 1);
    ck_assert_mem_eq(&again, &agreed, sizeof agreed);
}

START_TEST(offers_are_answered)
{
    static const struct {
        const char *offers, *answer;
    } rows[] = {
        {PMD, PMD},
        {"Permessage-Deflate; Server_No_Context_Takeover",
         PMD "; server_no_context_takeover"},
        {PMD "; client_max_window_bits", PMD},
        {PMD "; client_max_window_bits=15", PMD},
        {PMD "; client_max_window_bits=10", PMD "; client_max_window_bits=10"},
        {PMD "; server_max_window_bits=10", PMD "; server_max_window_bits=10"},
        {PMD "; server_max_window_bits=15", PMD "; server_max_window_bits=15"},
        {PMD ";server_max_window_bits=8;client_max_window_bits=8",
         PMD "; server_max_window_bits=8; client_max_window_bits=8"},
        {PMD " ;\tclient_max_window_bits = \"9\" ; client_no_context_takeover",
         PMD "; client_no_context_takeover; client_max_window_bits=9"},
        {PMD "; server_no_context_takeover; client_no_context_takeover; "
             "server_max_window_bits=15; client_max_window_bits=14",
         PMD "; server_no_context_takeover; client_no_context_takeover; "
             "server_max_window_bits=15; client_max_window_bits=14"},
        {"x-webkit-deflate-frame, " PMD "; server_no_context_takeover",
         PMD "; server_no_context_takeover"},
        {"foo; bar=baz, " PMD, PMD},
        {PMD ", foo; bar=baz", PMD},
        {"", NULL},
        {" , ", NULL},
        {"permessage-bzip2", NULL},
        {PMD "x", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        answers(rows[i].offers, &any, rows[i].answer);
}
END_TEST

START_TEST(terms_are_kept)
{
    static const struct {
        const char *offers, *answer;
    } rows[] = {
#define MODEST                                                                 \
    PMD "; server_no_context_takeover; client_no_context_takeover; "           \
        "server_max_window_bits"
        {PMD, MODEST "=12"},
        {PMD "; client_max_window_bits",
         MODEST "=12; client_max_window_bits=11"},
        {PMD "; client_max_window_bits=15",
         MODEST "=12; client_max_window_bits=11"},
        {PMD "; client_max_window_bits=8",
         MODEST "=12; client_max_window_bits=8"},
        {PMD "; server_max_window_bits=15", MODEST "=12"},
        {PMD "; server_max_window_bits=12", MODEST "=12"},
        {PMD "; server_max_window_bits=9", MODEST "=9"},
        {PMD "; server_max_window_bits=8", NULL},
        {PMD "; server_max_window_bits=8, " PMD, MODEST "=12"},
        {PMD "; server_max_window_bits=8; client_max_window_bits, " PMD
             "; server_max_window_bits=10",
         MODEST "=10"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        answers(rows[i].offers, &modest, rows[i].answer);
}
END_TEST

START_TEST(what_is_agreed_is_told)
{
    struct ws_deflate d;

    ck_assert_int_eq(choose(PMD, &modest, &d), 1);
    ck_assert(d.server_bits == 12 && d.client_bits == 15);
    ck_assert(d.server_no_context == 1 && d.client_no_context == 1);
    ck_assert_int_eq(
        choose(PMD "; client_max_window_bits=9; server_max_window_bits=10",
               &any, &d),
        1);
    ck_assert(d.server_bits == 10 && d.client_bits == 9);
    ck_assert(d.server_no_context == 0 && d.client_no_context == 0);
}
END_TEST

/* RFC 7692 7: unknown, repeated or invalid; the next offer is another. */
START_TEST(offers_that_make_no_sense_are_declined)
{
    static const char *const rows[] = {
        "foo",
        "foo=15",
        "server_no_context_takeover=1",
        "server_no_context_takeover=9",
        "client_no_context_takeover=\"true\"",
        "client_no_context_takeover=15",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=08",
        "server_max_window_bits=0",
        "server_max_window_bits=1",
        "server_max_window_bits=1x",
        "server_max_window_bits=-9",
        "server_max_window_bits=+9",
        "server_max_window_bits=99999999999999999999999",
        "server_max_window_bits=\"7\"",
        "server_max_window_bits=\"\\9\"",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=015",
        "client_max_window_bits=nine",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; Client_No_Context_Takeover",
        "server_max_window_bits=9; server_max_window_bits=9",
        "client_max_window_bits; client_max_window_bits=9",
        "client_max_window_bits; foo; server_no_context_takeover",
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[200];

        snprintf(text, sizeof text, PMD "; %s", rows[i]);
        answers(text, &any, NULL);
        snprintf(text, sizeof text, PMD "; %s, " PMD "; %s, " PMD, rows[i],
                 "client_no_context_takeover");
        answers(text, &any, PMD "; client_no_context_takeover");
    }
}
END_TEST

/* RFC 6455 9.1; wherever it stands, also behind an offer that would do. */
START_TEST(malformed_fields_are_refused)
{
    static const char *const rows[] = {
        "foo bar",
        "foo/bar",
        "\"" PMD "\"",
        ";",
        "foo=bar",
        "foo; bar baz",
        "foo; bar=",
        "foo; bar=b az",
        "foo; =baz",
        "foo; b@r=baz",
        "foo; bar=\"\"",
        "foo; bar=\"b az\"",
        "foo; bar=\"a,b;c\"",
        "foo; bar=\"baz",
        "foo; bar=\"b\\ az\"",
        "foo; bar=\"baz\"\"",
        "foo; bar=\"baz\"x",
        "foo; bar=\"\\\"\"",
        "foo; \"bar\"=baz",
        "foo; \"bar=baz\"",
        "f\xc3\xb6; bar",
    };
    struct ws_deflate agreed;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[200];

        ck_assert_msg(choose(rows[i], &any, &agreed) == ERR_FIELD, "%s",
                      rows[i]);
        snprintf(text, sizeof text, PMD ", %s", rows[i]);
        ck_assert_msg(choose(text, &any, &agreed) == ERR_FIELD, "%s", text);
    }
    /* tokens with escapes are tokens */
    ck_assert_int_eq(choose("foo; bar=\"b\\az\"", &any, &agreed), 0);
}
END_TEST

UNIT_MAIN(ws_deflate, offers_are_answered, terms_are_kept,
          what_is_agreed_is_told, offers_that_make_no_sense_are_declined,
          malformed_fields_are_refused)
