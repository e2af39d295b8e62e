/* SPDX-License-Identifier: BSD-2-Clause */
/* Response heads: their bytes, and that too small a buffer says how small. */
#include <string.h>

#include "proto/http1_out.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static size_t
write_head(char *p, size_t cap, const struct http1_common *common, int *fits)
{
    struct http1_out o;
    size_t n;

    http1_out_begin(&o, p, p + cap, 404, common);
    http1_out_field(&o, (et_str){"X-Y", 3}, (et_str){"z", 1});
    http1_out_type(&o, (et_str){"text/plain", 10});
    http1_out_length(&o, 1234567890123);
    http1_out_connection(&o, HTTP1_OUT_CLOSE);
    n = http1_out_end(&o);
    *fits = http1_out_fits(&o);
    return n;
}

START_TEST(a_head_is_written_and_a_small_buffer_is_not_overrun)
{
    static const char wanted[] = "HTTP/1.1 404 Not Found\r\n"
                                 "Server: Etude\r\nDate: " DATE "\r\n"
                                 "X-Y: z\r\nContent-Type: text/plain\r\n"
                                 "Content-Length: 1234567890123\r\n"
                                 "Connection: close\r\n\r\n";
    const size_t n = sizeof(wanted) - 1;
    struct http1_common common;

    http1_common_init(&common, (et_str){"Etude", 5}, DATE);
    for (size_t cap = 0; cap <= n + 3; cap++) {
        char *p = guard_end(wanted, 0) - cap;
        int fits;

        ck_assert_uint_eq(write_head(p, cap, &common, &fits), n);
        ck_assert_int_eq(fits, cap >= n);
        if (fits)
            ck_assert_mem_eq(p, wanted, n);
    }
}
END_TEST

static void
writes(void (*fn)(struct http1_out *), unsigned status, const char *wanted)
{
    char out[256];
    struct http1_out o;
    size_t n;

    http1_out_begin(&o, out, out + sizeof(out), status, NULL);
    fn(&o);
    n = http1_out_end(&o);
    ck_assert_uint_eq(n, strlen(wanted));
    ck_assert_mem_eq(out, wanted, n);
}

static void
nothing(struct http1_out *o)
{
    http1_out_type(o, (et_str){NULL, 0});
    http1_out_connection(o, HTTP1_OUT_DEFAULT);
}

static void
chunked(struct http1_out *o)
{
    http1_out_chunked(o);
    http1_out_connection(o, HTTP1_OUT_KEEP_ALIVE);
}

static void
upgrade(struct http1_out *o)
{
    http1_out_connection(o, HTTP1_OUT_UPGRADE);
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

UNIT_MAIN(http1_out, a_head_is_written_and_a_small_buffer_is_not_overrun,
          parts_are_written,
          the_common_fields_take_a_new_date_and_may_lack_a_server)
