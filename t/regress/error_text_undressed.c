/* SPDX-License-Identifier: BSD-2-Clause */
/* error_text_undressed.c - a text of et_error that ends its line, as those in
 * etude.h and in every plugin here do, had an empty line behind it and was not
 * dressed for browsers. */
/* tags: epoll */
#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

#define POST(accept)                                                           \
    "POST /hello HTTP/1.1\r\nHost: x\r\n" accept "Content-Length: 0\r\n\r\n"

START_TEST(the_end_of_the_line_is_not_part_of_the_text)
{
    struct server s;
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin hello]\n");
    c = client_open(&s);
    client_expect(&c, POST(""), 400, "400 the form has no name\n");
    client_expect(&c, POST("Accept: application/json\r\n"), 400,
                  "{\"status\":400,\"error\":\"the form has no name\"}\n");
    client_expect(&c, POST("Accept: text/html\r\n"), 400,
                  "<!doctype html>\n<title>400 Bad Request</title>\n"
                  "<h1>400 Bad Request</h1>\n<p>the form has no name</p>\n");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(error_text_undressed, the_end_of_the_line_is_not_part_of_the_text)
