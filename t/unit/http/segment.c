/* SPDX-License-Identifier: BSD-2-Clause */
/* segment.c - a body pulled by the meanest of sinks: one byte at a time, never
 * a file as such.
 * tags: asan */
#include "http/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/unit.h"

static int n_released;

static void
released(void *arg)
{
    ck_assert_ptr_eq(arg, &n_released);
    n_released++;
}

static int
file_with(const char *text)
{
    char path[] = "/tmp/etude-segment-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

/* The sink: takes at most step bytes at a time, reads files itself. */
static size_t
pull(struct segment_queue *q, char *out, size_t step)
{
    const struct segment *s;
    size_t n = 0;

    while ((s = segment_peek(q)) != NULL) {
        size_t part = s->n < step ? (size_t)s->n : step;
        if (s->kind == SEGMENT_FILE)
            ck_assert_int_eq(pread(s->fd, out + n, part, (off_t)s->off),
                             (ssize_t)part);
        else
            memcpy(out + n, s->p, part);
        n += part;
        segment_consume(q, part);
    }
    return n;
}

/* Soon: a thread may do it (os/closer.h). */
static int
is_closed(int fd)
{
    for (int i = 0; i < 5000 && fcntl(fd, F_GETFD) >= 0; i++)
        usleep(1000);
    return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

START_TEST(any_step_pulls_the_same_bytes)
{
    static const char expected[] = "head,static;referred;le cont";

    for (size_t step = 1; step <= sizeof expected; step++) {
        struct segment_queue q;
        struct segment mem = {.kind = SEGMENT_MEM, .p = "static;", .n = 7};
        struct segment ref = {.kind = SEGMENT_REF,
                              .p = "referred;",
                              .n = 9,
                              .release = released,
                              .arg = &n_released};
        struct segment file = {.kind = SEGMENT_FILE, .off = 2, .n = 7};
        struct segment front = {.kind = SEGMENT_MEM, .p = "head,", .n = 5};
        char out[64] = "";
        n_released = 0;
        file.fd = file_with("file content");
        segment_init(&q);
        segment_put(&q, &mem);
        segment_put(&q, &ref);
        segment_put(&q, &file);
        segment_put_front(&q, &front);
        ck_assert_uint_eq(q.bytes, strlen(expected));
        ck_assert_uint_eq(pull(&q, out, step), strlen(expected));
        ck_assert_str_eq(out, expected);
        ck_assert_uint_eq(q.bytes, 0);
        ck_assert_int_eq(n_released, 1);
        ck_assert(is_closed(file.fd));
        /* The queue is usable again. */
        mem.p = "static;";
        mem.n = 7;
        segment_put(&q, &mem);
        ck_assert_uint_eq(pull(&q, out, step), 7);
    }
}
END_TEST

START_TEST(clear_releases_what_is_left_once)
{
    struct segment_queue q;
    struct segment ref = {.kind = SEGMENT_REF,
                          .p = "referred",
                          .n = 8,
                          .release = released,
                          .arg = &n_released};
    struct segment file = {.kind = SEGMENT_FILE, .n = 4};

    n_released = 0;
    file.fd = file_with("file");
    segment_init(&q);
    segment_put(&q, &ref);
    segment_put(&q, &file);
    segment_consume(&q, 3);
    segment_clear(&q);
    segment_clear(&q);
    ck_assert_int_eq(n_released, 1);
    ck_assert(is_closed(file.fd));
    ck_assert_ptr_null(segment_peek(&q));
}
END_TEST

START_TEST(an_empty_segment_is_released_at_once)
{
    struct segment_queue q;
    struct segment ref = {
        .kind = SEGMENT_REF, .release = released, .arg = &n_released};

    n_released = 0;
    segment_init(&q);
    segment_put(&q, &ref);
    ck_assert_int_eq(n_released, 1);
    ck_assert_ptr_null(segment_peek(&q));
}
END_TEST

UNIT_MAIN(segment, any_step_pulls_the_same_bytes,
          clear_releases_what_is_left_once,
          an_empty_segment_is_released_at_once)
