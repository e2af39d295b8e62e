/* SPDX-License-Identifier: BSD-2-Clause */
/* Response heads: their bytes, and that none needs more room than is said. */
#include <string.h>

#include "proto/http1_out.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define TYPE "text/plain"

START_TEST(a_head_is_written)
{
    static const char wanted[] = "HTTP/1.1 404 Not Found\r\n"
                                 "Server: Etude\r\nDate: " DATE "\r\n"
                                 "Content-Type: " TYPE "\r\n"
                                 "Content-Length: 1234567890123\r\n"
                                 "Connection: close\r\nX-Y: z\r\nE: \r\n\r\n";
    char text[HTTP1_OUT_MAX + 64], *p;
    struct http1_common common;

    http1_common_init(&common, (et_str){"Etude", 5}, DATE);
    p = http1_out_begin(text, 404, &common);
    p = http1_out_type(p, (et_str){TYPE, sizeof TYPE - 1});
    p = http1_out_length(p, 1234567890123);
    p = http1_out_connection(p, HTTP1_OUT_CLOSE);
    p = http1_out_field(p, (et_str){"X-Y", 3}, (et_str){"z", 1});
    p = http1_out_field(p, (et_str){"E", 1}, (et_str){NULL, 0});
    p = http1_out_end(p);
    ck_assert_uint_eq((size_t)(p - text), sizeof wanted - 1);
    ck_assert_mem_eq(text, wanted, sizeof wanted - 1);
}
END_TEST

/* Up to a page that cannot be written. */
START_TEST(the_longest_head_has_room)
{
    static char room[HTTP1_OUT_MAX + 10 + 6 + HTTP1_OUT_FIELD_MORE];
    static const unsigned codes[] = {200, 431, 299, 0};
    char server[HTTP1_OUT_SERVER_MAX];

    memset(server, 's', sizeof server);
    for (size_t n = 0; n <= sizeof server; n++) {
        for (size_t i = 0; i < 4; i++) {
            char *p = guard_end(room, sizeof room);
            struct http1_common common;
            http1_common_init(&common, (et_str){server, n}, DATE);
            p = http1_out_begin(p, codes[i], &common);
            p = http1_out_type(p, (et_str){TYPE, 10});
            p = http1_out_length(p, UINT64_MAX);
            p = http1_out_connection(p, HTTP1_OUT_KEEP_ALIVE);
            p = http1_out_field(p, (et_str){"abc", 3}, (et_str){"def", 3});
            (void)http1_out_end(p);
        }
    }
}
END_TEST

static void
writes(char *(*fn)(char *), unsigned status, const char *wanted)
{
    char out[HTTP1_OUT_MAX];
    size_t n =
        (size_t)(http1_out_end(fn(http1_out_begin(out, status, NULL))) - out);

    ck_assert_uint_eq(n, strlen(wanted));
    ck_assert_mem_eq(out, wanted, n);
}

static char *
nothing(char *p)
{
    p = http1_out_type(p, (et_str){NULL, 0});
    return http1_out_connection(p, HTTP1_OUT_DEFAULT);
}

static char *
chunked(char *p)
{
    p = http1_out_chunked(p);
    return http1_out_connection(p, HTTP1_OUT_KEEP_ALIVE);
}

static char *
upgrade(char *p)
{
    return http1_out_connection(p, HTTP1_OUT_UPGRADE);
}

START_TEST(parts_are_written)
{
    writes(nothing, 100, "HTTP/1.1 100 Continue\r\n\r\n");
    writes(nothing, 299, "HTTP/1.1 299 \r\n\r\n");
    writes(chunked, 200,
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
           "Connection: keep-alive\r\n\r\n");
    writes(upgrade, 101,
           "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n");
}
END_TEST

START_TEST(the_common_fields_take_a_new_date_and_may_lack_a_server)
{
    char server[HTTP1_OUT_SERVER_MAX];
    struct http1_common common;

    http1_common_init(&common, (et_str){NULL, 0}, DATE);
    http1_common_date(&common, "Mon, 07 Nov 1994 08:49:37 GMT");
    ck_assert_uint_eq(common.len, 37);
    ck_assert_mem_eq(common.text, "Date: Mon, 07 Nov 1994 08:49:37 GMT\r\n",
                     37);
    memset(server, 's', sizeof(server));
    http1_common_init(&common, (et_str){server, sizeof(server)}, DATE);
    ck_assert_uint_eq(common.len, 8 + 64 + 2 + 37);
}
END_TEST

UNIT_MAIN(http1_out, a_head_is_written, the_longest_head_has_room,
          parts_are_written,
          the_common_fields_take_a_new_date_and_may_lack_a_server)
