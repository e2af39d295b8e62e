/* SPDX-License-Identifier: BSD-2-Clause */
/* gone_client_shaken.c - of TLS clients that had said hello and gone while they
 * waited for their turn each was signed for: behind some thousands of them
 * those who were still there waited for seconds.
 * tags: epoll */
#include <stdio.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

/* Of TLS 1.2: ECDHE-ECDSA-AES128-GCM-SHA256, P-256, ECDSA with SHA-256. */
static const char hello[] = "\x16\x03\x01\x00\x45\x01\x00\x00\x41\x03\x03"
                            "0123456789abcdef0123456789abcdef"
                            "\x00\x00\x02\xc0\x2b\x01\x00\x00\x16"
                            "\x00\x0a\x00\x04\x00\x02\x00\x17"
                            "\x00\x0d\x00\x04\x00\x02\x04\x03"
                            "\x00\x0b\x00\x02\x01\x00";

static struct server s;

static struct client
say_hello(void)
{
    char path[300];
    struct client c;

    snprintf(path, sizeof path, "%s/tls.sock", s.dir);
    c = client_unix(path);
    client_send(&c, hello, sizeof hello - 1);
    return c;
}

static void
who_has_left_is_let_go(const char *accept)
{
    struct client busy, c;
    char ini[400];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 1\naccept = %s\n"
             "[listen tls]\naddress = unix:$DIR/tls.sock\n"
             "tls.self_signed = dev\n[plugin slow]\n",
             accept);
    server_start(&s, ini);
    c = say_hello();
    client_gather(&c, 1);
    ck_assert_int_eq(c.buf[0], '\x16'); /* it is one */
    client_close(&c);
    busy = client_open(&s);
    client_puts(&busy, "GET /slow/300 HTTP/1.1\r\nHost: x\r\n\r\n");
    server_wait_log(&s, "slow: begins");
    c = say_hello();
    client_shut(&c);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    client_take(&busy, 0, 200, "slept");
    client_close(&busy);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(by_a_worker_that_is_handed_it)
{
    who_has_left_is_let_go("pipe");
}
END_TEST

START_TEST(by_a_worker_that_accepts_it)
{
    who_has_left_is_let_go("reuseport");
}
END_TEST

UNIT_MAIN(gone_client_shaken, by_a_worker_that_is_handed_it,
          by_a_worker_that_accepts_it)
