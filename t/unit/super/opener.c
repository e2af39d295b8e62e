/* SPDX-License-Identifier: BSD-2-Clause */
/* opener.c - which files the supervisor opens for a server process.
 * tags: asan */
#include "super/opener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/str.h"
#include "conf/bundle.h"
#include "conf/conf.h"
#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static struct conf *
conf_of(const char *text)
{
    struct bundle_file file = {
        .name = "a.ini", .dir = "/etc/x", .text = str_from_z(text)};
    struct bundle *b;
    struct conf *c;
    struct diag d;

    diag_init(&d);
    b = bundle_from_memory(&file, 1, NULL, &d);
    c = conf_parse_some(b, &d);
    ck_assert_ptr_nonnull(c);
    bundle_free(b);
    diag_fini(&d);
    return c;
}

START_TEST(what_the_ini_names_and_nothing_else)
{
    static const char *const named[] = {
        "/var/log/server.log", "/etc/x/logs/a.log", "/var/b.log",
        "/etc/x/r.log",        "/etc/x/s.log",
    };
    static const char *const others[] = {
        "/etc/shadow",
        "/etc/x",
        "/etc/x/",
        "a.log",
        "/etc/x/logs",
        "/etc/x/logs/a.log2",
        "/etc/x/a.ini",
        "/etc/x//r.log",
        "/etc/x/../x/r.log",
        "/var/b",
        "",
        "/",
        "/etc/xlogs/a.log",
    };
    struct conf *c = conf_of("[server]\nlog = /var/log/server.log\n"
                             "[plugin a]\npath = logs/a.log\n"
                             "[plugin b]\npath = /var/b.log\nempty =\n"
                             "[route r]\nmatch = GET /\nhandler = a\n"
                             "a.path = r.log\n"
                             "[scope s]\nmatch = /*\nb.path = s.log\n");

    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        ck_assert_msg(opener_is_named(c, named[i]), "%s", named[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_msg(!opener_is_named(c, others[i]), "%s", others[i]);
    conf_free(c);
}
END_TEST

static struct sock_address
inet(const char *host, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sock_address a = {.len = sizeof in};

    inet_pton(AF_INET, host, &in.sin_addr);
    memcpy(&a.addr, &in, sizeof in);
    return a;
}

static struct sock_address
local(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sock_address a = {.len = sizeof un};

    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    memcpy(&a.addr, &un, sizeof un);
    return a;
}

START_TEST(it_listens_where_the_ini_says)
{
    struct conf *c = conf_of("[server]\nlisten = localhost:80\n"
                             "listen = unix:/run/x/sock\n"
                             "[listen other]\naddress = [::1]:443\n");
    struct sock_address a[] = {inet("127.0.0.1", 80), inet("0.0.0.0", 443),
                               local("/run/x/sock")};
    struct sock_address no[] = {inet("127.0.0.1", 81), inet("127.0.0.1", 0),
                                local("/run/x/socks"), local("/run/x"),
                                local("")};

    for (size_t i = 0; i < sizeof a / sizeof a[0]; i++) {
        ck_assert(opener_may_listen(c, NULL, &a[i]));
        ck_assert(opener_may_listen(NULL, c, &a[i]));
        ck_assert(!opener_may_listen(NULL, NULL, &a[i]));
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        ck_assert(!opener_may_listen(c, c, &no[i]));
    conf_free(c);
}
END_TEST

START_TEST(an_answer_says_what_has_become_of_it)
{
    struct ctl_message m = {.id = CTL_OPEN_LOG}, answer = {0};
    char ini[256];
    struct conf *c;
    int fd;

    fixture_setup();
    snprintf(ini, sizeof ini, "[server]\nlog = %s/log\n", fixture_dir);
    c = conf_of(ini);
    snprintf(m.u.text, sizeof m.u.text, "%s/log", fixture_dir);
    ck_assert_int_eq(opener_answer(&m, NULL, NULL, &answer), -1);
    ck_assert_uint_eq(answer.id, CTL_OPEN_NOT_NAMED);
    ck_assert_int_lt(answer.result, 0);
    fd = opener_answer(&m, NULL, c, &answer);
    ck_assert_int_ge(fd, 0);
    ck_assert_uint_eq(answer.id, CTL_OPEN_LOG);
    ck_assert_int_eq(answer.result, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_APPEND, 0);
    close(fd);
    m.id = 77; /* of a later program */
    ck_assert_int_eq(opener_answer(&m, c, c, &answer), -1);
    ck_assert_uint_eq(answer.id, CTL_OPEN_NOT_NAMED);
    /* Not terminated: it is cut, and so not the path of anything. */
    m.id = CTL_OPEN_LOG;
    memset(m.u.text, 'x', sizeof m.u.text);
    ck_assert_int_eq(opener_answer(&m, c, c, &answer), -1);
    conf_free(c);
    fixture_teardown();
}
END_TEST

START_TEST(what_is_no_file_is_not_waited_for)
{
    struct stat st;
    char fifo[128], file[128];
    int fd;

    fixture_setup();
    umask(0);
    snprintf(fifo, sizeof fifo, "%s/fifo", fixture_dir);
    snprintf(file, sizeof file, "%s/file", fixture_dir);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_int_eq(opener_open_log(fifo), -ENXIO);
    ck_assert_int_eq(opener_open_log(fixture_dir), -EISDIR);
    ck_assert_int_eq(opener_open_log("/no/such/folder"), -ENOENT);
    fd = opener_open_log(file);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
    close(fd);
    fixture_teardown();
}
END_TEST

START_TEST(links_are_ours_or_not_followed)
{
    char link[128], target[128];
    int fd;

    fixture_setup();
    snprintf(link, sizeof link, "%s/link", fixture_dir);
    snprintf(target, sizeof target, "%s/target", fixture_dir);
    ck_assert_int_eq(symlink("target", link), 0);
    fd = opener_open_log(link);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(access(target, F_OK), 0);
    close(fd);
    ck_assert_int_eq(unlink(target), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(lchown(link, 4242424, 4242424), 0);
        ck_assert_int_eq(opener_open_log(link), -ELOOP);
        ck_assert_int_ne(access(target, F_OK), 0);
    }
    fixture_teardown();
}
END_TEST

UNIT_MAIN(opener, what_the_ini_names_and_nothing_else,
          it_listens_where_the_ini_says, an_answer_says_what_has_become_of_it,
          what_is_no_file_is_not_waited_for, links_are_ours_or_not_followed)
