/* SPDX-License-Identifier: BSD-2-Clause */
/* held_crash.c - response steps that wait and crash, while a task is held that
 * is about to write the answer: all of it in the process that has crashed.
 * tags: epoll */
#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\ncrash_limit = 0\n"           \
    "[plugin held]\n"

static struct server s;

/* That request, and then what is counted. */
static struct client
ask(const char *request)
{
    struct client c;

    server_start(&s, SERVER);
    c = client_open(&s);
    client_puts(&c, request);
    client_puts(&c, GET("/held/count"));
    return c;
}

static void
end(struct client *c, const char *count)
{
    client_take(c, 0, 500, NULL);
    client_take(c, 0, 200, count);
    client_close(c);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(one_that_is_woken)
{
    struct client c = ask(GET("/held/write?held=crash"));

    tally_wait(&s, GET("/held/count"), "holds", 1);
    client_once(&s, GET("/held/go"), 200, "1");
    end(&c, "holds 0 resumed 1 cancelled 0 active 0 ended 1 jobs 0 ran 0");
}
END_TEST

START_TEST(its_job_is_waited_for)
{
    struct client c = ask(GET("/held/write?held=crashjob"));

    end(&c, "holds 0 resumed 0 cancelled 0 active 0 ended 1 jobs 1 ran 1");
}
END_TEST

UNIT_RUN((struct unit){.name = "held_crash"}, one_that_is_woken,
         its_job_is_waited_for)
