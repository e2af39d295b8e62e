/* SPDX-License-Identifier: BSD-2-Clause */
/* admin.c - the administrator's socket, and clients that do it no good.
 * tags: asan */
#include "ctl/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static struct admin *a;
static const char *path;
static uint64_t now_ms;

/* What the socket's owner has been told; "later" is not answered at once. */
static struct {
    int n;
    uint64_t client;
    struct admin_peer peer;
    char line[ADMIN_LINE_MAX + 1];
} told;

static void
on_line(void *arg, uint64_t client, const struct admin_peer *from, char *line,
        size_t n)
{
    char answer[ADMIN_LINE_MAX + 10];

    ck_assert_ptr_eq(arg, &told);
    ck_assert_uint_eq(strlen(line), n);
    ck_assert_ptr_null(strchr(line, '\n'));
    told.n++;
    told.client = client;
    told.peer = *from;
    strcpy(told.line, line);
    memset(line, 'x', n); /* it is ours */
    if (strcmp(told.line, "later") == 0)
        return;
    snprintf(answer, sizeof answer, "<%s>", told.line);
    admin_answer(a, client, answer, strlen(answer), now_ms);
}

static void
begin(void)
{
    char why[200];

    fixture_setup();
    path = fixture_path("sock");
    memset(&told, 0, sizeof told);
    now_ms = 1000000;
    ck_assert_int_eq(admin_open(path, on_line, &told, &a, why, sizeof why), 0);
}

static void
end(void)
{
    admin_close(a);
    ck_assert_int_ne(access(path, F_OK), 0);
    fixture_teardown();
}

static int
client(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    strcpy(to.sun_path, path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Turns until there is nothing to do. */
static void
turn(void)
{
    struct pollfd p = {.fd = admin_poll_fd(a), .events = POLLIN};

    for (int i = 0; i < 1000 && poll(&p, 1, 0) > 0; i++)
        admin_turn(a, now_ms);
    ck_assert_int_eq(poll(&p, 1, 0), 0);
}

static void
put(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
                     (int)strlen(text));
    turn();
}

/* What has come, "" if nothing has, "gone" at the end. */
static const char *
got(int fd)
{
    static char text[8192];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);

    if (n < 0)
        ck_assert_int_eq(errno, EAGAIN);
    text[n < 0 ? 0 : n] = '\0';
    return n == 0 ? "gone" : text;
}

START_TEST(a_line_is_answered)
{
    struct stat st;
    int fd = client();

    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(admin_timeout(a, now_ms), -1);
    put(fd, "hello\n");
    ck_assert_str_eq(got(fd), "<hello>\n");
    ck_assert_int_eq(told.peer.pid, getpid());
    ck_assert_uint_eq(told.peer.uid, getuid());
    put(fd, "\n  \r\nagain\r\n");
    ck_assert_str_eq(got(fd), "<again\r>\n");
    close(fd);
    turn();
    ck_assert_int_eq(admin_timeout(a, now_ms), -1);
}
END_TEST

START_TEST(lines_may_come_in_any_pieces)
{
    static const char text[] = "one\ntwo\nthree\n";

    for (size_t cut = 1; cut + 1 < sizeof text; cut++) {
        char head[sizeof text] = "";
        int fd = client();
        memcpy(head, text, cut);
        put(fd, head);
        put(fd, text + cut);
        ck_assert_str_eq(got(fd), "<one>\n<two>\n<three>\n");
        close(fd);
        turn();
    }
    ck_assert_int_eq(told.n, 3 * (int)(sizeof text - 2));
}
END_TEST

START_TEST(one_byte_at_a_time_is_a_line_too)
{
    char text[ADMIN_LINE_MAX + 1];
    int fd = client();

    memset(text, 'a', ADMIN_LINE_MAX);
    text[ADMIN_LINE_MAX - 1] = '\n';
    text[ADMIN_LINE_MAX] = '\0';
    for (const char *p = text; *p; p++)
        put(fd, (const char[]){*p, '\0'});
    ck_assert_int_eq(told.n, 1);
    ck_assert_uint_eq(strlen(told.line), ADMIN_LINE_MAX - 1);
    ck_assert_uint_eq(strlen(got(fd)), ADMIN_LINE_MAX + 2);
    close(fd);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_the_last)
{
    char text[ADMIN_LINE_MAX + 1];
    int fd = client();

    memset(text, 'a', ADMIN_LINE_MAX);
    text[ADMIN_LINE_MAX] = '\0';
    put(fd, text);
    ck_assert_str_eq(got(fd), "{\"ok\":false,\"exit\":64,\"error\":\"a line is "
                              "longer than 4096 bytes\"}\n");
    ck_assert_str_eq(got(fd), "gone");
    ck_assert_int_eq(told.n, 0);
    close(fd);
}
END_TEST

START_TEST(an_answer_may_come_later)
{
    int fd = client(), other = client();
    uint64_t first;

    put(fd, "later\nnext\n");
    first = told.client;
    ck_assert_int_eq(told.n, 1);
    put(other, "x\n");
    ck_assert_str_eq(got(other), "<x>\n"); /* nobody else waits for it */
    ck_assert_str_eq(got(fd), "");
    now_ms += 10 * ADMIN_PATIENCE_MS; /* nor is it dropped */
    turn();
    ck_assert_str_eq(got(fd), "");
    admin_say(a, first, "not yet", 7);
    ck_assert_str_eq(got(fd), "not yet\n");
    admin_answer(a, first, "done", 4, now_ms);
    turn();
    ck_assert_str_eq(got(fd), "done\n<next>\n");
    admin_answer(a, first, "twice", 5, now_ms); /* it owes us a line */
    admin_say(a, first, "nor this", 8);
    turn();
    ck_assert_str_eq(got(fd), "");
    close(fd);
    close(other);
}
END_TEST

START_TEST(a_number_is_good_when_its_client_has_gone)
{
    int fd = client(), heir;
    uint64_t gone;

    put(fd, "later\n");
    gone = told.client;
    close(fd);
    turn();
    heir = client();
    put(heir, "later\n");
    ck_assert_uint_ne(told.client, gone);
    ck_assert_uint_eq((uint32_t)told.client, (uint32_t)gone); /* its slot */
    admin_answer(a, gone, "not for it", 10, now_ms);
    turn();
    ck_assert_str_eq(got(heir), "");
    admin_answer(a, told.client, "for it", 6, now_ms);
    turn();
    ck_assert_str_eq(got(heir), "for it\n");
    admin_answer(a, 0, "", 0, now_ms);
    admin_answer(a, UINT64_MAX, "", 0, now_ms);
    close(heir);
}
END_TEST

START_TEST(half_a_connection_is_enough)
{
    int fd = client(), late = client(), silent = client();

    put(fd, "one\ntwo");
    shutdown(fd, SHUT_WR);
    turn();
    ck_assert_str_eq(got(fd), "<one>\n<two>\n");
    ck_assert_str_eq(got(fd), "gone");
    put(late, "later\n");
    shutdown(late, SHUT_WR);
    turn();
    ck_assert_str_eq(got(late), "");
    admin_answer(a, told.client, "now", 3, now_ms);
    turn();
    ck_assert_str_eq(got(late), "now\n");
    ck_assert_str_eq(got(late), "gone");
    shutdown(silent, SHUT_WR);
    turn();
    ck_assert_str_eq(got(silent), "gone");
    close(fd);
    close(late);
    close(silent);
}
END_TEST

START_TEST(who_brings_no_line_is_dropped)
{
    int silent = client(), slow = client();

    turn();
    ck_assert_int_eq(admin_timeout(a, now_ms), ADMIN_PATIENCE_MS);
    now_ms += ADMIN_PATIENCE_MS / 2;
    put(slow, "byte by"); /* which is no line */
    now_ms += ADMIN_PATIENCE_MS / 2 - 1;
    turn();
    admin_turn(a, now_ms);
    ck_assert_str_eq(got(silent), "");
    ck_assert_int_eq(admin_timeout(a, now_ms), 1);
    now_ms++;
    ck_assert_int_eq(admin_timeout(a, now_ms), 0);
    admin_turn(a, now_ms);
    ck_assert_str_eq(got(silent), "gone");
    ck_assert_str_eq(got(slow), "gone");
    ck_assert_int_eq(admin_timeout(a, now_ms), -1);
    close(silent);
    close(slow);
}
END_TEST

START_TEST(who_never_reads_is_dropped)
{
    enum { BYTES = 4 << 20 };
    static char much[BYTES];
    int fd = client(), other = client();
    size_t n = 0;

    memset(much, 'm', sizeof much);
    put(fd, "later\n");
    admin_answer(a, told.client, much, sizeof much, now_ms);
    turn();
    put(other, "x\n");
    ck_assert_str_eq(got(other), "<x>\n");
    close(other);
    turn();
    now_ms += ADMIN_PATIENCE_MS - 1;
    for (int i = 0; i < 100; i++) /* it takes some */
        n += strlen(got(fd));
    turn();
    ck_assert_int_eq(admin_timeout(a, now_ms), ADMIN_PATIENCE_MS);
    now_ms += ADMIN_PATIENCE_MS;
    admin_turn(a, now_ms);
    ck_assert_int_eq(admin_timeout(a, now_ms), -1);
    for (const char *more; strcmp(more = got(fd), "gone") != 0;)
        n += strlen(more);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_lt(n, BYTES);
    close(fd);
}
END_TEST

START_TEST(an_answer_of_any_size_arrives)
{
    enum { BYTES = 4 << 20 };
    static char much[BYTES];
    int fd = client();
    size_t n = 0;

    memset(much, 'm', sizeof much);
    put(fd, "later\nnext\n");
    admin_answer(a, told.client, much, sizeof much, now_ms);
    while (n < BYTES + 1 + strlen("<next>\n")) {
        turn();
        n += strlen(got(fd));
    }
    ck_assert_uint_eq(n, BYTES + 1 + strlen("<next>\n"));
    ck_assert_int_eq(told.n, 2);
    close(fd);
}
END_TEST

START_TEST(one_too_many_is_told_so)
{
    int fds[ADMIN_CLIENTS], more;

    for (int i = 0; i < ADMIN_CLIENTS; i++)
        fds[i] = client();
    turn();
    more = client();
    turn();
    ck_assert_str_eq(got(more), "{\"ok\":false,\"exit\":69,\"error\":\"too "
                                "many clients at once\"}\n");
    ck_assert_str_eq(got(more), "gone");
    close(more);
    for (int i = 0; i < ADMIN_CLIENTS; i++) {
        put(fds[i], "x\n");
        ck_assert_str_eq(got(fds[i]), "<x>\n");
    }
    close(fds[3]);
    turn();
    more = client();
    put(more, "y\n");
    ck_assert_str_eq(got(more), "<y>\n");
    close(more);
    for (int i = 0; i < ADMIN_CLIENTS; i++)
        if (i != 3)
            close(fds[i]);
}
END_TEST

START_TEST(without_a_descriptor_it_waits)
{
    int first = client(), fd = client(), next = dup(fd);
    struct rlimit all, none;

    close(next); /* the next one that is free */
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
    none = all;
    none.rlim_cur = (rlim_t)next;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    turn(); /* and does not spin */
    ck_assert_int_eq(admin_timeout(a, now_ms), 1000);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
    now_ms += 1000;
    admin_turn(a, now_ms);
    put(fd, "x\n");
    ck_assert_str_eq(got(fd), "<x>\n");
    close(fd);
    close(first);
}
END_TEST

START_TEST(who_serves_there_is_left_alone)
{
    struct admin *second;
    char why[200], text[300];
    struct stat st;
    int fd;

    ck_assert_int_eq(admin_open(path, on_line, NULL, &second, why, sizeof why),
                     -EADDRINUSE);
    snprintf(text, sizeof text, "unix:%s: ", path);
    ck_assert_msg(strncmp(why, text, strlen(text)) == 0, "%s", why);
    ck_assert_ptr_null(second);
    fd = client();
    put(fd, "x\n");
    ck_assert_str_eq(got(fd), "<x>\n");
    close(fd);
    /* A file that is no socket stays as well; one nobody serves goes. */
    ck_assert_int_eq(rename(path, fixture_path("stale")), 0);
    fixture_file("sock", "mine");
    ck_assert_int_eq(admin_open(path, on_line, NULL, &second, why, sizeof why),
                     -EEXIST);
    admin_close(a);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rename(fixture_path("stale"), path), 0);
    ck_assert_int_eq(admin_open(path, on_line, &told, &a, why, sizeof why), 0);
    fd = client();
    put(fd, "y\n");
    ck_assert_str_eq(got(fd), "<y>\n");
    close(fd);
}
END_TEST

START_TEST(a_path_that_cannot_be_is_refused)
{
    struct admin *other;
    char why[200], longer[200];

    memset(longer, 'a', sizeof longer);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    ck_assert_int_eq(admin_open(longer, on_line, NULL, &other, why, sizeof why),
                     -ENAMETOOLONG);
    ck_assert_str_ne(why, "");
    ck_assert_int_eq(
        admin_open("/nowhere/at/all", on_line, NULL, &other, why, sizeof why),
        -ENOENT);
    ck_assert_str_ne(why, "");
}
END_TEST

/* What a process does that takes another's place. */
START_TEST(another_one_goes_on_with_clients)
{
    int busy = client(), idle = client(), half = client(), fd;
    struct sockfile file;
    struct admin *old;
    uint64_t number;

    put(busy, "later\n");
    number = told.client;
    put(half, "half");
    old = a;
    fd = dup(admin_listener(old, &file));
    ck_assert_int_eq(admin_adopt(fd, file, on_line, &told, &a), 0);
    fd = admin_client_fd(old, number);
    ck_assert_int_ge(fd, 0);
    number = admin_adopt_client(a, dup(fd), 1, now_ms);
    ck_assert_uint_ne(number, 0);
    for (uint32_t i = 0; i < ADMIN_CLIENTS; i++) {
        fd = admin_idle_fd(old, i);
        if (fd >= 0)
            ck_assert_uint_ne(admin_adopt_client(a, dup(fd), 0, now_ms), 0);
    }
    ck_assert_int_eq(rename(path, fixture_path("away")), 0);
    admin_close(old);
    ck_assert_int_eq(rename(fixture_path("away"), path), 0);
    ck_assert_str_eq(got(half), "gone");
    put(idle, "x\n");
    ck_assert_str_eq(got(idle), "<x>\n");
    admin_answer(a, number, "now", 3, now_ms);
    turn();
    ck_assert_str_eq(got(busy), "now\n");
    put(busy, "y\n");
    ck_assert_str_eq(got(busy), "<y>\n");
    close(half);
    half = client(); /* one that is new */
    put(half, "z\n");
    ck_assert_str_eq(got(half), "<z>\n");
    close(busy);
    close(idle);
    close(half);
    turn();
}
END_TEST

/* What is not served any more is not taken over, and stays the caller's. */
START_TEST(what_is_no_socket_is_not_gone_on_with)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct admin *none;

    ck_assert_int_lt(
        admin_adopt(fd, (struct sockfile){0}, on_line, &told, &none), 0);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

UNIT_MAIN_IN(begin, end, admin, a_line_is_answered,
             lines_may_come_in_any_pieces, one_byte_at_a_time_is_a_line_too,
             a_line_that_is_too_long_is_the_last, an_answer_may_come_later,
             a_number_is_good_when_its_client_has_gone,
             half_a_connection_is_enough, who_brings_no_line_is_dropped,
             who_never_reads_is_dropped, an_answer_of_any_size_arrives,
             one_too_many_is_told_so, without_a_descriptor_it_waits,
             who_serves_there_is_left_alone, a_path_that_cannot_be_is_refused,
             another_one_goes_on_with_clients,
             what_is_no_socket_is_not_gone_on_with)
