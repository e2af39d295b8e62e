/* SPDX-License-Identifier: BSD-2-Clause */
/* sock.c - listening sockets: options, conflicts, stale files, messages. */
/* ldflags: -Wl,--wrap=setsockopt -Wl,--wrap=socket */
#include "os/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/unit.h"

static const struct sock_options plain = {.backlog = 16};
static char why[256];

/* Options and families to refuse. */
static int refuse_option, refuse_family;

int __real_setsockopt(int fd, int level, int name, const void *p, socklen_t n);
int __wrap_setsockopt(int fd, int level, int name, const void *p, socklen_t n);
int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);

int
__wrap_setsockopt(int fd, int level, int name, const void *p, socklen_t n)
{
    if (refuse_option && name == refuse_option) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return __real_setsockopt(fd, level, name, p, n);
}

int
__wrap_socket(int family, int type, int protocol)
{
    if (refuse_family && family == refuse_family) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return __real_socket(family, type, protocol);
}

static struct sock_address
resolve(const char *host, uint16_t port)
{
    struct sock_address a;
    int n = sock_resolve(host, port, &a, 1, why, sizeof why);

    ck_assert_msg(n == 1, "%d %s", n, why);
    ck_assert_str_eq(why, "");
    return a;
}

static int
option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static int
listen_ok(const struct sock_address *a, const struct sock_options *o)
{
    int fd = sock_listen(a, o, why, sizeof why);

    ck_assert_msg(fd >= 0, "%s", why);
    ck_assert_str_eq(why, "");
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    return fd;
}

static int
connect_to(const struct sock_address *a)
{
    int fd = socket(a->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (const struct sockaddr *)&a->addr, a->len) == 0)
        return fd;
    close(fd);
    return -1;
}

START_TEST(a_listener_has_the_options_asked_for)
{
    struct sock_address a = resolve("127.0.0.1", 0), at, peer;
    struct sock_options all = {
        .backlog = 16, .reuseport = 1, .nodelay = 1, .defer_accept_s = 1};
    char text[SOCK_TEXT_LEN], expected[SOCK_TEXT_LEN];
    int fd = listen_ok(&a, &all), client;

    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_REUSEPORT), 1);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    ck_assert_int_ge(option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 1);
    ck_assert_int_eq(sock_name(fd, &at), 0);
    client = connect_to(&at);
    ck_assert_int_ge(client, 0);
    ck_assert_int_eq(sock_peer(client, &peer), 0);
    ck_assert_mem_eq(&peer.addr, &at.addr, at.len);
    sock_text(&peer, text);
    snprintf(expected, sizeof expected, "127.0.0.1:%u",
             ntohs(((struct sockaddr_in *)&at.addr)->sin_port));
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(sock_peer(fd, &peer), -ENOTCONN);
    ck_assert_int_eq(sock_name(-1, &peer), -EBADF);
    close(client);
    close(fd);
    fd = listen_ok(&a, &plain);
    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_REUSEPORT), 0);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    close(fd);
}
END_TEST

START_TEST(an_address_in_use_is_said_so)
{
    struct sock_address a = resolve("127.0.0.1", 0), at;
    struct sock_options shared = {.backlog = 16, .reuseport = 1};
    char text[SOCK_TEXT_LEN], expected[200];
    int fd = listen_ok(&a, &plain), second;

    ck_assert_int_eq(sock_name(fd, &at), 0);
    ck_assert_int_eq(sock_listen(&at, &plain, why, sizeof why), -EADDRINUSE);
    sock_text(&at, text);
    snprintf(expected, sizeof expected, "%s: address in use", text);
    ck_assert_str_eq(why, expected);
    ck_assert_int_eq(sock_listen(&at, &plain, NULL, 0), -EADDRINUSE);
    close(fd);
    fd = listen_ok(&at, &shared);
    second = listen_ok(&at, &shared);
    close(second);
    close(fd);
}
END_TEST

/* A child that listens on a (port 0: on the port written there) and ends after
 * so long; its pid, once it listens. */
static pid_t
occupy(struct sock_address *a, unsigned ms)
{
    int fd = listen_ok(a, &plain);
    pid_t pid;

    if (a->addr.ss_family != AF_UNIX)
        ck_assert_int_eq(sock_name(fd, a), 0);
    pid = fork();
    if (pid == 0) {
        usleep(ms * 1000);
        _exit(0);
    }
    close(fd);
    return pid;
}

START_TEST(who_is_about_to_go_is_waited_for)
{
    struct sock_address a = resolve("127.0.0.1", 0);
    struct sock_options patient = {.backlog = 16, .patience_ms = 10000};
    pid_t pid = occupy(&a, 200);
    int fd = listen_ok(&a, &patient);

    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    close(fd);
}
END_TEST

START_TEST(but_not_for_ever)
{
    struct sock_address a = resolve("127.0.0.1", 0);
    struct sock_options patient = {.backlog = 16, .patience_ms = 100};
    pid_t pid = occupy(&a, 20000);

    ck_assert_int_eq(sock_listen(&a, &patient, why, sizeof why), -EADDRINUSE);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(a_foreign_address_is_said_so)
{
    struct sock_address a = resolve("192.0.2.1", 8080);

    ck_assert_int_eq(sock_listen(&a, &plain, why, sizeof why), -EADDRNOTAVAIL);
    ck_assert_str_eq(why, "192.0.2.1:8080: no interface has this address");
}
END_TEST

START_TEST(a_low_port_needs_permission)
{
    struct sock_address a = resolve("127.0.0.1", 81);
    FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
    int first = 1024;

    if (f) {
        ck_assert_int_eq(fscanf(f, "%d", &first), 1);
        fclose(f);
    }
    if (first <= 81 || (geteuid() == 0 && seteuid(65534) != 0)) {
        fprintf(stderr, "skipped: every port is allowed here\n");
        return;
    }
    ck_assert_int_eq(sock_listen(&a, &plain, why, sizeof why), -EACCES);
    ck_assert_str_eq(why, "127.0.0.1:81: permission denied (a port below "
                          "1024 needs CAP_NET_BIND_SERVICE)");
    if (getuid() == 0) { /* the leak checker looks at its own process */
        ck_assert_int_eq(seteuid(0), 0);
        ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
    }
}
END_TEST

START_TEST(a_name_that_does_not_exist_is_said_so)
{
    struct sock_address a;

    ck_assert_int_eq(
        sock_resolve("no.such.host.invalid", 80, &a, 1, why, sizeof why),
        -EADDRNOTAVAIL);
    ck_assert_ptr_eq(strstr(why, "no.such.host.invalid: cannot be resolved: "),
                     why);
}
END_TEST

START_TEST(a_name_gives_each_of_its_addresses_once)
{
    struct sock_address a[8];
    char text[SOCK_TEXT_LEN];
    int n = sock_resolve("localhost", 8080, a, 8, why, sizeof why);

    ck_assert_msg(n >= 1, "%s", why);
    for (int i = 0; i < n; i++) {
        sock_text(&a[i], text);
        ck_assert_msg(strcmp(text, "127.0.0.1:8080") == 0 ||
                          strcmp(text, "[::1]:8080") == 0,
                      "%s", text);
        for (int k = 0; k < i; k++)
            ck_assert(a[i].len != a[k].len ||
                      memcmp(&a[i].addr, &a[k].addr, a[i].len) != 0);
    }
}
END_TEST

START_TEST(any_address_is_one_socket_of_each_family)
{
    struct sock_address a[2];
    char text[SOCK_TEXT_LEN];
    uint16_t port;
    int fd[2];

    ck_assert_int_eq(sock_resolve(NULL, 0, a, 1, why, sizeof why), 1);
    if (sock_resolve(NULL, 0, a, 2, why, sizeof why) == 1)
        return;
    sock_text(&a[0], text);
    ck_assert_str_eq(text, "0.0.0.0:0");
    sock_text(&a[1], text);
    ck_assert_str_eq(text, "[::]:0");
    fd[0] = listen_ok(&a[0], &plain);
    ck_assert_int_eq(sock_name(fd[0], &a[0]), 0);
    port = ((struct sockaddr_in *)&a[0].addr)->sin_port;
    ((struct sockaddr_in6 *)&a[1].addr)->sin6_port = port;
    fd[1] = listen_ok(&a[1], &plain); /* the same port: V6ONLY */
    ck_assert_int_eq(option(fd[1], IPPROTO_IPV6, IPV6_V6ONLY), 1);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

START_TEST(without_ipv6_the_rest_is_served)
{
    struct sock_address a[2];

    refuse_family = AF_INET6;
    ck_assert_int_eq(sock_resolve(NULL, 80, a, 2, why, sizeof why), 1);
    ck_assert_int_eq(sock_resolve("::1", 80, a, 2, why, sizeof why),
                     -EAFNOSUPPORT);
    ck_assert_str_eq(why, "::1: this kernel has no IPv6");
    refuse_family = 0;
    ck_assert_int_eq(sock_resolve("::1", 80, a, 2, why, sizeof why), 1);
    refuse_family = AF_INET6;
    ck_assert_int_eq(sock_listen(a, &plain, why, sizeof why), -EAFNOSUPPORT);
    ck_assert_str_eq(why,
                     "[::1]:80: this kernel does not have this address family");
}
END_TEST

START_TEST(an_option_refused_is_an_error)
{
    static const int names[] = {SO_REUSEADDR, SO_REUSEPORT, TCP_NODELAY,
                                TCP_DEFER_ACCEPT};
    struct sock_address a = resolve("127.0.0.1", 0);
    struct sock_options all = {
        .backlog = 16, .reuseport = 1, .nodelay = 1, .defer_accept_s = 1};
    int before = dup(0), after;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        refuse_option = names[i];
        ck_assert_int_eq(sock_listen(&a, &all, why, sizeof why), -ENOPROTOOPT);
        ck_assert_ptr_nonnull(strstr(why, "Protocol not available"));
    }
    after = dup(0);
    ck_assert_int_eq(after, before + 1); /* none leaked */
    close(before);
    close(after);
}
END_TEST

/* ------------------------------------------------------------------- Unix */

static char folder[] = "/tmp/sock-test-XXXXXX";

static struct sock_address
unix_address(const char *name)
{
    struct sock_address a;
    char path[100];

    if (strstr(folder, "XXXXXX"))
        ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_int_eq(sock_unix(path, &a), 0);
    return a;
}

static void
remove_folder(void)
{
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(options_change_while_it_listens)
{
    struct sock_options o = plain;
    struct sock_address a = resolve("127.0.0.1", 0);
    socklen_t n = sizeof(int);
    int fd = sock_listen(&a, &o, why, sizeof why), defer = 0;

    ck_assert_int_ge(fd, 0);
    o.backlog = 3;
    o.defer_accept_s = 1;
    ck_assert_int_eq(sock_adjust(fd, &a, &o), 0);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, &n),
                     0);
    ck_assert_int_gt(defer, 0);
    o.defer_accept_s = 0;
    ck_assert_int_eq(sock_adjust(fd, &a, &o), 0);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, &n),
                     0);
    ck_assert_int_eq(defer, 0);
    refuse_option = TCP_DEFER_ACCEPT;
    ck_assert_int_eq(sock_adjust(fd, &a, &o), -ENOPROTOOPT);
    refuse_option = 0;
    close(fd);
}
END_TEST

START_TEST(a_unix_socket_has_its_mode)
{
    struct sock_address a = unix_address("s"), at;
    struct sock_options o = {.backlog = 4,
                             .mode = 0622,
                             .nodelay = 1,
                             .sets_owner = 1,
                             .owner = getuid(),
                             .group = getgid()};
    char text[SOCK_TEXT_LEN], expected[SOCK_TEXT_LEN];
    struct stat st;
    int fd = listen_ok(&a, &o), client;

    ck_assert_int_eq(stat(strchr(folder, '/'), &st), 0);
    sock_text(&a, text);
    snprintf(expected, sizeof expected, "unix:%s/s", folder);
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(stat(text + 5, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0622);
    ck_assert_int_eq(sock_name(fd, &at), 0);
    client = connect_to(&a);
    ck_assert_int_ge(client, 0);
    close(client);
    close(fd);
    sock_unlink(&a, sock_file(&a));
    ck_assert_int_eq(stat(text + 5, &st), -1);
    remove_folder();
}
END_TEST

START_TEST(a_stale_unix_socket_is_replaced_a_live_one_is_not)
{
    struct sock_address a = unix_address("s");
    int fd = listen_ok(&a, &plain), client;

    ck_assert_int_eq(sock_listen(&a, &plain, why, sizeof why), -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(why, "/s: address in use"));
    client = connect_to(&a); /* untouched */
    ck_assert_int_ge(client, 0);
    close(client);
    close(fd); /* leaves the file */
    fd = listen_ok(&a, &plain);
    client = connect_to(&a);
    ck_assert_int_ge(client, 0);
    close(client);
    close(fd);
    sock_unlink(&a, sock_file(&a));
    remove_folder();
}
END_TEST

/* The child has the socket listen, so that it is the owner; a copy stays here
 * when it is gone, as an io_uring's does. */
static pid_t
listen_by_child(const struct sock_address *a, int fd, int is_killed)
{
    char byte;
    int up[2];
    pid_t pid;

    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&a->addr, a->len), 0);
    ck_assert_int_eq(pipe(up), 0);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (listen(fd, 16) < 0 || write(up[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    ck_assert_int_eq(read(up[0], &byte, 1), 1);
    if (is_killed) {
        siginfo_t si;
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
    }
    return pid;
}

START_TEST(a_unix_socket_of_a_dead_owner_is_waited_for)
{
    struct sock_address a = unix_address("s");
    struct sock_options patient = {.backlog = 16, .patience_ms = 10000};
    int held = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
    pid_t pid = listen_by_child(&a, held, 1), closer;

    /* It answers still: in use, without patience. */
    ck_assert_int_eq(sock_listen(&a, &plain, why, sizeof why), -EADDRINUSE);
    closer = fork();
    if (closer == 0) {
        usleep(200000);
        _exit(0);
    }
    close(held);
    fd = listen_ok(&a, &patient);
    close(fd);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(waitpid(closer, NULL, 0), closer);
    sock_unlink(&a, sock_file(&a));
    remove_folder();
}
END_TEST

START_TEST(a_unix_socket_of_a_live_owner_is_an_error_at_once)
{
    struct sock_address a = unix_address("s");
    struct sock_options patient = {.backlog = 16, .patience_ms = 60000};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t pid = listen_by_child(&a, fd, 0);

    ck_assert_int_eq(sock_listen(&a, &patient, why, sizeof why), -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(why, "/s: address in use"));
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    close(fd);
    sock_unlink(&a, sock_file(&a));
    remove_folder();
}
END_TEST

START_TEST(only_the_file_that_was_bound_is_removed)
{
    struct sock_address a = unix_address("s"), tcp = resolve("127.0.0.1", 0);
    int ours = listen_ok(&a, &plain), theirs;
    struct sockfile file = sock_file(&a);
    char text[SOCK_TEXT_LEN];
    struct stat st;

    ck_assert_uint_eq(sock_file(&tcp).ino, 0);
    sock_text(&a, text);
    ck_assert_int_eq(unlink(text + 5), 0);
    theirs = listen_ok(&a, &plain);
    sock_unlink(&a, file);
    ck_assert_int_eq(stat(text + 5, &st), 0);
    close(ours);
    close(theirs);
    sock_unlink(&a, sock_file(&a));
    ck_assert_int_eq(stat(text + 5, &st), -1);
    sock_unlink(&a, (struct sockfile){0, 0}); /* nothing twice */
    remove_folder();
}
END_TEST

START_TEST(what_can_be_seen_is_checked)
{
    struct sock_address a = unix_address("s"), gone = unix_address("no/s");
    struct sock_address tcp = resolve("127.0.0.1", 1);
    char text[SOCK_TEXT_LEN];
    int fd;

    ck_assert_int_eq(sock_check(&tcp, why, sizeof why), 0);
    ck_assert_int_eq(sock_check(&a, why, sizeof why), 0);
    ck_assert_str_eq(why, "");
    fd = listen_ok(&a, &plain);
    ck_assert_int_eq(sock_check(&a, why, sizeof why), 0); /* of a server */
    close(fd);
    ck_assert_int_eq(sock_check(&gone, why, sizeof why), -ENOENT);
    ck_assert_ptr_nonnull(strstr(why, "/no/s: No such file or directory"));
    sock_text(&a, text);
    ck_assert_int_eq(unlink(text + 5), 0);
    ck_assert_int_eq(mkdir(text + 5, 0700), 0);
    ck_assert_int_eq(sock_check(&a, why, sizeof why), -EEXIST);
    ck_assert_ptr_nonnull(strstr(why, "/s: exists and is not a socket"));
    ck_assert_int_eq(rmdir(text + 5), 0);
    remove_folder();
}
END_TEST

START_TEST(addresses_overlap)
{
    static const struct {
        const char *a, *b;
        uint16_t a_port, b_port;
        int overlap;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1", 80, 80, 1},
        {"127.0.0.1", "127.0.0.1", 80, 81, 0},
        {"127.0.0.1", "127.0.0.1", 0, 0, 0},
        {"127.0.0.1", "127.0.0.2", 80, 80, 0},
        {"127.0.0.1", "0.0.0.0", 80, 80, 1},
        {"127.0.0.1", "0.0.0.0", 80, 81, 0},
        {"::1", "::", 80, 80, 1},
        {"::1", "::2", 80, 80, 0},
        {"127.0.0.1", "::", 80, 80, 0},
    };
    struct sock_address s = unix_address("s"), t = unix_address("t");

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sock_address a = resolve(rows[i].a, rows[i].a_port);
        struct sock_address b = resolve(rows[i].b, rows[i].b_port);
        ck_assert_int_eq(sock_overlap(&a, &b), rows[i].overlap);
        ck_assert_int_eq(sock_overlap(&b, &a), rows[i].overlap);
    }
    ck_assert(sock_overlap(&s, &s));
    ck_assert(!sock_overlap(&s, &t));
    remove_folder();
}
END_TEST

START_TEST(a_unix_socket_with_a_full_queue_is_live)
{
    struct sock_address a = unix_address("s");
    struct sock_options o = {.backlog = 0};
    int fd = listen_ok(&a, &o), client = connect_to(&a);

    ck_assert_int_ge(client, 0);
    ck_assert_int_eq(sock_listen(&a, &plain, why, sizeof why), -EADDRINUSE);
    close(client);
    close(fd);
    sock_unlink(&a, sock_file(&a));
    remove_folder();
}
END_TEST

START_TEST(another_kind_of_file_is_left_alone)
{
    struct sock_address a = unix_address("s"), gone = unix_address("no/s");
    char text[SOCK_TEXT_LEN];
    struct stat st;
    int fd;

    sock_text(&a, text);
    fd = open(text + 5, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(sock_listen(&a, &plain, why, sizeof why), -EEXIST);
    ck_assert_ptr_nonnull(strstr(why, "/s: exists and is not a socket"));
    ck_assert_int_eq(stat(text + 5, &st), 0);
    ck_assert_int_eq(unlink(text + 5), 0);
    ck_assert_int_eq(sock_listen(&gone, &plain, why, sizeof why), -ENOENT);
    remove_folder();
}
END_TEST

START_TEST(a_datagram_socket_is_in_use)
{
    struct sock_address a = unix_address("s");
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a.addr, a.len), 0);
    ck_assert_int_eq(sock_listen(&a, &plain, why, sizeof why), -EADDRINUSE);
    close(fd);
    sock_unlink(&a, sock_file(&a));
    remove_folder();
}
END_TEST

START_TEST(a_path_too_long_is_refused)
{
    struct sock_address a;
    char path[109];

    memset(path, 'p', sizeof path);
    path[108] = '\0';
    ck_assert_int_eq(sock_unix(path, &a), -ENAMETOOLONG);
    path[107] = '\0';
    ck_assert_int_eq(sock_unix(path, &a), 0);
}
END_TEST

/* clang-format off */
UNIT_MAIN(sock,
    a_listener_has_the_options_asked_for,
    an_address_in_use_is_said_so,
    who_is_about_to_go_is_waited_for,
    but_not_for_ever,
    a_foreign_address_is_said_so,
    a_low_port_needs_permission,
    a_name_that_does_not_exist_is_said_so,
    a_name_gives_each_of_its_addresses_once,
    any_address_is_one_socket_of_each_family,
    without_ipv6_the_rest_is_served,
    an_option_refused_is_an_error,
    options_change_while_it_listens,
    a_unix_socket_has_its_mode,
    a_stale_unix_socket_is_replaced_a_live_one_is_not,
    a_unix_socket_of_a_dead_owner_is_waited_for,
    a_unix_socket_of_a_live_owner_is_an_error_at_once,
    only_the_file_that_was_bound_is_removed,
    what_can_be_seen_is_checked,
    addresses_overlap,
    a_unix_socket_with_a_full_queue_is_live,
    another_kind_of_file_is_left_alone,
    a_datagram_socket_is_in_use,
    a_path_too_long_is_refused)
/* clang-format on */
