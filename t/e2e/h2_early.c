/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_early.c - answers that come before the request has ended (RFC 9113, 8.1):
 * how much of the rest is taken, and for how long.
 * tags: epoll asan tls */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/lib/frames.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#include "t/lib/web.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

/* The defaults of h2_window and discard_body. */
#define WINDOW 65536
#define MORE 65536
/* No sooner is one cut that could still end. */
#define LINGER_MS 2000

static const char zeros[1 << 20];

static struct server s;
static struct frames f;

static void
begin(const char *more)
{
    char ini[1000];

    snprintf(ini, sizeof ini, FRAMES_SERVER "%s" FRAMES_ROUTES, more);
    server_start(&s, ini);
    f = frames_open(&s);
    frames_sync(&f);
}

static void
end(void)
{
    frames_serves(&f);
    frames_close(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}

static int64_t
now_ms(void)
{
    return (int64_t)(clock_mono_ns() / 1000000);
}

static int64_t
window(uint32_t stream)
{
    return frames_stream(&f, stream)->send;
}

/* All that was sent has been read: the stream is over, and the server has said
 * so by no reset; or this program was too slow. */
static void
is_over(uint32_t stream, int64_t answered_ms)
{
    frames_sync(&f);
    if (frames_stream(&f, stream)->reset == FRAMES_NO_CODE)
        return;
    ck_assert_int_eq(frames_stream(&f, stream)->reset, FRAMES_NO_ERROR);
    ck_assert_int_ge(now_ms(), answered_ms + LINGER_MS);
}

/* ---- what is taken -------------------------------------------------------*/

static const struct {
    const char *path;
    int status;
} early[] = {{"/none", 200}, {"/method", 200}, {"/nothing", 404}};

/* A client need look at nothing behind its answer. */
START_TEST(the_window_is_opened_in_front_of_the_answer)
{
    enum { N = 100000 };

    begin("");
    for (uint32_t i = 0; i < 2 * sizeof early / sizeof early[0]; i++) {
        uint32_t id = 1 + 2 * i;
        int64_t before = window(id), at_ms;
        ck_assert_int_eq(before, WINDOW);
        frames_post(&f, id, early[i / 2].path,
                    i % 2 ? "content-length: 100000\n" : "");
        frames_take(&f, id, early[i / 2].status, NULL);
        at_ms = now_ms();
        ck_assert_int_eq(window(id), before + MORE);
        frames_upload(&f, id, zeros, N);
        is_over(id, at_ms);
    }
    end();
}
END_TEST

/* The first request comes before the client knows what our windows are. */
START_TEST(what_it_is_about_to_learn_counts)
{
    int64_t at_ms;

    server_start(&s, FRAMES_SERVER "h2_window = 200k\n" FRAMES_ROUTES);
    f = frames_connect(&s);
    f.is_held = 1;
    frames_raw(&f, FRAMES_PREFACE, sizeof FRAMES_PREFACE - 1);
    frames_send(&f, FRAMES_SETTINGS, 0, 0, "", 0);
    frames_post(&f, 1, "/none", "content-length: 250000\n");
    ck_assert(frames_flush(&f, 20000));
    f.is_held = 0;
    frames_take(&f, 1, 200, "");
    at_ms = now_ms();
    ck_assert_int_eq(window(1), 200 * 1024 + MORE);
    frames_upload(&f, 1, zeros, 250000);
    is_over(1, at_ms);
    end();
}
END_TEST

START_TEST(in_front_of_the_end_of_one_that_is_written)
{
    int64_t at_ms;

    begin("");
    frames_head(&f, 1, 0, FRAMES_GET("/writer/late?ms=1"));
    frames_take(&f, 1, 200, "late");
    at_ms = now_ms();
    ck_assert_int_eq(window(1), WINDOW + MORE);
    frames_upload(&f, 1, zeros, WINDOW + MORE);
    is_over(1, at_ms);
    end();
}
END_TEST

/* What was kept for who could have read it need not come any more. */
START_TEST(what_is_kept_does_not_count)
{
    int64_t at_ms;

    begin("");
    frames_head(&f, 1, 0,
                FRAMES_GET("/task/token/1") "content-length: 131072\n");
    frames_data(&f, 1, 0, zeros, 16000);
    for (int i = 0; i < 3; i++)
        frames_data(&f, 1, 0, zeros, 16384);
    frames_sync(&f);
    ck_assert_int_eq(window(1), WINDOW - 16000 - 3 * 16384);
    frames_get(&f, 3, "/task/wake/1");
    frames_take(&f, 1, 200, NULL);
    at_ms = now_ms();
    ck_assert_int_eq(window(1), WINDOW - 16000 - 3 * 16384 + MORE);
    frames_upload(&f, 1, zeros, WINDOW + MORE - 16000 - 3 * 16384);
    is_over(1, at_ms);
    end();
}
END_TEST

/* Nor need what has been read. */
START_TEST(what_was_read_does_not_count)
{
    int64_t at_ms;

    begin("");
    frames_post(&f, 1, "/task/some?n=4000", "content-length: 129000\n");
    frames_data(&f, 1, 0, zeros, 4000);
    frames_take(&f, 1, 200, "4000");
    at_ms = now_ms();
    ck_assert_int_eq(window(1), WINDOW - 4000 + MORE);
    frames_upload(&f, 1, zeros, 129000 - 4000);
    is_over(1, at_ms);
    end();
}
END_TEST

/* A client that has its answer need not look again before it is done, but some
 * then wait for a byte. */
START_TEST(its_end_is_answered_by_a_window)
{
    int64_t all, at_ms;

    begin("");
    all = f.send;
    frames_post(&f, 1, "/none", "");
    frames_take(&f, 1, 200, "");
    at_ms = now_ms();
    frames_upload(&f, 1, zeros, 1000);
    is_over(1, at_ms);
    while (frames_stream(&f, 1)->reset == FRAMES_NO_CODE && f.send < all)
        ck_assert(frames_next(&f));
    end();
}
END_TEST

START_TEST(whatever_the_bounds_are)
{
    begin("discard_body = 1g\nh2_window = 16m\n");
    frames_post(&f, 1, "/none", "");
    frames_take(&f, 1, 200, "");
    ck_assert_int_eq(window(1), (16 << 20) + (1 << 30));
    end();
    begin("discard_body = 0\nh2_window = 1k\n");
    frames_post(&f, 1, "/none", "");
    frames_take(&f, 1, 200, "");
    ck_assert_int_eq(window(1), 1024);
    frames_data(&f, 1, 0, zeros, 1024);
    frames_take_reset(&f, 1, FRAMES_NO_ERROR);
    ck_assert_int_eq(window(1), 0);
    end();
}
END_TEST

/* ---- what is not ---------------------------------------------------------*/

START_TEST(who_says_that_more_comes_is_cut)
{
    begin("");
    frames_post(&f, 1, "/none", "content-length: 131073\n");
    frames_take(&f, 1, 200, "");
    ck_assert_int_eq(window(1), WINDOW);
    frames_take_reset(&f, 1, FRAMES_NO_ERROR);
    end();
}
END_TEST

START_TEST(who_sends_more_is_cut)
{
    begin("");
    frames_post(&f, 1, "/none", "");
    frames_take(&f, 1, 200, "");
    for (int i = 0; i < (WINDOW + MORE) / 16384; i++)
        frames_data(&f, 1, 0, zeros, 16384);
    frames_take_reset(&f, 1, FRAMES_NO_ERROR);
    ck_assert_int_eq(window(1), 0);
    end();
}
END_TEST

START_TEST(who_sends_nothing_is_cut)
{
    begin("");
    frames_post(&f, 1, "/none", "");
    frames_take(&f, 1, 200, "");
    frames_take_reset(&f, 1, FRAMES_NO_ERROR);
    end();
}
END_TEST

/* ... a byte now and then, until it is cut, or the connection ends. */
static void
drip(uint32_t stream)
{
    while (frames_stream(&f, stream)->reset == FRAMES_NO_CODE &&
           window(stream) > 0) {
        frames_data(&f, stream, 0, "x", 1);
        usleep(10000);
        if (!frames_poll(&f))
            return;
    }
}

START_TEST(who_sends_for_ever_is_cut)
{
    begin("");
    frames_post(&f, 1, "/none", "");
    frames_take(&f, 1, 200, "");
    drip(1);
    ck_assert_int_eq(frames_stream(&f, 1)->reset, FRAMES_NO_ERROR);
    end();
}
END_TEST

START_TEST(nor_does_it_hold_up_a_stop)
{
    begin("drain_timeout = 1h\n");
    frames_post(&f, 1, "/none", "");
    frames_take(&f, 1, 200, "");
    server_signal(&s, SIGTERM);
    drip(1);
    while (frames_next(&f)) {
    }
    frames_close(&f);
    ck_assert(!server_has_log(&s, "cut off"));
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

/* ---- a client that is not ours -------------------------------------------*/

/* n bytes of a POST, all of them, and the answer; if they took too long once
 * more. */
static void
upload(const char *path, long status, size_t n)
{
    struct web w =
        transport_here()->is_tls ? web_open_secure(&s) : web_open(&s);
    int64_t at_ms;
    CURLcode rc;
    long is = 0;

    curl_easy_setopt(w.curl, CURLOPT_POSTFIELDS, zeros);
    curl_easy_setopt(w.curl, CURLOPT_POSTFIELDSIZE, (long)n);
    web_target(&w, path);
    do {
        at_ms = now_ms();
        rc = web_try(&w);
    } while (rc == CURLE_HTTP2_STREAM && now_ms() >= at_ms + LINGER_MS);
    ck_assert_msg(rc == CURLE_OK, "%s of %zu: %s", path, n,
                  curl_easy_strerror(rc));
    curl_easy_getinfo(w.curl, CURLINFO_RESPONSE_CODE, &is);
    ck_assert_int_eq(is, status);
    web_close(&w);
}

/* Behind an answer that has no body libcurl 7.88 reads on, else it does not. */
START_TEST(curl_is_done_with_what_it_sends)
{
    static const size_t sizes[] = {1000, 70000, 100000, WINDOW + MORE,
                                   sizeof zeros};

    begin("discard_body = 1m\n");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t k = 0; k < sizeof early / sizeof early[0]; k++)
            upload(early[k].path, early[k].status, sizes[i]);
    }
    end();
}
END_TEST

UNIT_MAIN(h2_early, the_window_is_opened_in_front_of_the_answer,
          what_it_is_about_to_learn_counts,
          in_front_of_the_end_of_one_that_is_written,
          what_is_kept_does_not_count, what_was_read_does_not_count,
          its_end_is_answered_by_a_window, whatever_the_bounds_are,
          who_says_that_more_comes_is_cut, who_sends_more_is_cut,
          who_sends_nothing_is_cut, who_sends_for_ever_is_cut,
          nor_does_it_hold_up_a_stop, curl_is_done_with_what_it_sends)
