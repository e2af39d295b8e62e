/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_late.c - answers over HTTP/2 of tasks that wait once they have begun them.
 * tags: epoll asan tls */
#include <stdio.h>
#include <string.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct server s;
static struct frames f;

static void
begin(void)
{
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nh2c = yes\n"
                     "[plugin writer]\n");
    f = frames_open(&s);
}

static void
end(void)
{
    frames_close(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}

/* Nobody is in there any more: who has waited is not forgotten, nor woken when
 * he is gone. */
static void
is_over(uint32_t stream, const char *so)
{
    struct answer a;
    int is;

    do {
        frames_get(&f, stream, "/writer/count");
        a = frames_answer(&f, stream);
        is = strncmp(a.body, so, strlen(so)) == 0;
        answer_free(&a);
        stream += 2;
    } while (!is && stream < 20000);
    ck_assert(is);
}

static void
head(uint32_t stream, const char *path)
{
    char text[200];

    snprintf(text, sizeof text,
             ":method: HEAD\n:scheme: http\n:path: %s\n:authority: x\n", path);
    frames_head(&f, stream, FRAMES_END_STREAM, text);
}

/* Its answer has no body, and ends when the task does. */
START_TEST(one_to_head_ends_when_its_task_does)
{
    begin();
    for (uint32_t i = 0; i < 20; i++)
        head(1 + 2 * i, i % 2 ? "/writer/late?ms=1" : "/writer/late?ms=20");
    for (uint32_t i = 0; i < 20; i++)
        frames_take(&f, 1 + 2 * i, 200, "");
    is_over(101, "active 0 ended 20 cancelled 20 ");
    end();
}
END_TEST

START_TEST(a_client_that_goes_meanwhile_cancels_it)
{
    begin();
    head(1, "/writer/late?ms=60000");
    while (!frames_stream(&f, 1)->has_head)
        ck_assert(frames_next(&f));
    frames_reset(&f, 1, FRAMES_CANCEL);
    is_over(101, "active 0 ended 1 cancelled 1 ");
    end();
}
END_TEST

/* At once, though nothing else happens on its connection: before what another
 * client waits for far longer. */
START_TEST(one_that_is_cut_is_reset)
{
    struct frames other;

    begin();
    other = frames_open(&s);
    frames_get(&other, 1, "/writer/late?ms=700");
    frames_get(&f, 1, "/writer/late?ms=20&cut");
    frames_take(&other, 1, 200, "late");
    ck_assert(frames_poll(&f));
    ck_assert_int_ge(frames_stream(&f, 1)->reset, 0);
    frames_close(&other);
    end();
}
END_TEST

UNIT_MAIN(h2_late, one_to_head_ends_when_its_task_does,
          a_client_that_goes_meanwhile_cancels_it, one_that_is_cut_is_reset)
