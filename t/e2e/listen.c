/* SPDX-License-Identifier: BSD-2-Clause */
/* listen.c - addresses of every kind, and those that cannot be had.
 * tags: epoll asan */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#include "t/lib/unit.h"

#define PLUGINS "[plugin answers]\nfile = x\n[plugin life]\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static uint16_t
port_of(const char *line)
{
    return (uint16_t)atoi(strrchr(line, ':') + 1);
}

/* Start with this ini, which must fail; what was said, in a static buffer. */
static const char *
refused(struct server *s, const char *ini, int code)
{
    static char out[8192];
    int got;

    server_write(s, ini);
    got = server_run(s, NULL, out, sizeof out);
    ck_assert_msg(got == code, "%d, not %d: %s", got, code, out);
    return out;
}

START_TEST(several_addresses_of_both_families)
{
    struct server s;
    struct client c;
    uint16_t port;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0, [::1]:0\n"
                     "listen = 127.0.0.2:0\n" PLUGINS);
    client_once(&s, GET("/peer"), 200, "127.0.0.1 127.0.0.1");
    s.log_seen = 0;
    port = port_of(server_wait_log(&s, "listening on [::1]:"));
    c = client_v6(port);
    client_expect(&c, GET("/peer"), 200, "::1 ::1");
    client_close(&c);
    ck_assert(server_has_log(&s, "listening on 127.0.0.2:"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_star_is_one_socket_for_each_family)
{
    struct server s;
    struct client c;
    char ini[256];
    uint16_t port;

    /* A port that is free now: both families get the same number. */
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n" PLUGINS);
    port = s.port;
    ck_assert_int_eq(server_stop(&s), 0);
    snprintf(ini, sizeof ini, "[server]\nlisten = *:%u\n" PLUGINS, port);
    server_start(&s, ini);
    s.log_seen = 0;
    server_wait_log(&s, "listening on 0.0.0.0:");
    server_wait_log(&s, "listening on [::]:");
    c = client_connect(port);
    client_expect(&c, GET("/peer"), 200, "127.0.0.1 127.0.0.1");
    client_close(&c);
    c = client_v6(port);
    client_expect(&c, GET("/peer"), 200, "::1 ::1");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_name_is_all_its_addresses)
{
    struct server s;

    server_start(&s, "[server]\nlisten = localhost:0\n" PLUGINS);
    ck_assert(server_has_log(&s, "listening on 127.0.0.1:"));
    client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A socket at path; kept open if it is to be a live one. */
static int
make_socket(const char *path, int is_live)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(to.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    if (!is_live)
        close(fd);
    return fd;
}

START_TEST(a_unix_socket_stale_live_or_something_else)
{
    struct server s;
    struct client c;
    struct stat st;
    char path[128];
    const char *said;
    int fd;

    if (!transport_here()->is_plain) /* other lines have other numbers */
        return;
    server_prepare(&s, "[server]\nlisten = unix:$DIR/sock\n" PLUGINS);
    snprintf(path, sizeof path, "%s/sock", s.dir);
    make_socket(path, 0);
    server_serve(&s);
    c = client_unix(path);
    client_expect(&c, GET("/life"), 200, "life");
    client_close(&c);
    server_signal(&s, SIGTERM);
    for (int i = 0; i < 2000 && access(path, F_OK) == 0; i++)
        usleep(5000);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(server_wait(&s), 0);

    server_prepare(&s, "[server]\n");
    snprintf(path, sizeof path, "%s/sock", s.dir);
    fd = make_socket(path, 1);
    said = refused(&s, "[server]\nlisten = unix:$DIR/sock\n", 70);
    ck_assert_msg(strstr(said, "etude.ini:5: listen: unix:") &&
                      strstr(said, "/sock: address in use"),
                  "%s", said);
    ck_assert_int_eq(stat(path, &st), 0);
    close(fd);
    unlink(path);
    server_file(&s, "sock", "a file");
    said = refused(&s, "[server]\nlisten = unix:$DIR/sock\n", 78);
    ck_assert_msg(strstr(said, "exists and is not a socket"), "%s", said);
    ck_assert_int_eq(stat(path, &st), 0);
    server_clean(&s);
}
END_TEST

START_TEST(a_unix_socket_has_its_mode_and_changes_it_by_reload)
{
    struct server s;
    struct stat st;
    char path[128];

    server_start(&s, "[server]\n[listen u]\naddress = unix:$DIR/sock\n"
                     "mode = 0660\n" PLUGINS);
    snprintf(path, sizeof path, "%s/sock", s.dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0660);
    server_write(&s, "[server]\n[listen u]\naddress = unix:$DIR/sock\n"
                     "mode = 0600\nbacklog = 5\n" PLUGINS);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_unix_socket_is_given_to_its_owner)
{
    const struct passwd *nobody = getpwnam("nobody");
    struct server s;
    struct stat st;
    char path[128];

    if (geteuid() != 0 || !nobody)
        return;
    server_start(&s, "[server]\n[listen u]\naddress = unix:$DIR/sock\n"
                     "owner = nobody\n" PLUGINS);
    snprintf(path, sizeof path, "%s/sock", s.dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_uid, nobody->pw_uid);
    ck_assert_uint_eq(st.st_gid, nobody->pw_gid);
    server_write(&s, "[server]\n[listen u]\naddress = unix:$DIR/sock\n"
                     "owner = nobody:root\n" PLUGINS);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_uid, nobody->pw_uid);
    ck_assert_uint_eq(st.st_gid, 0);
    server_write(&s, "[server]\n[listen u]\naddress = unix:$DIR/sock\n"
                     "owner = nobody:nosuchgroup\n" PLUGINS);
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(an_address_in_use_is_told)
{
    struct server s, other;
    char ini[256], want[128];
    const char *said;

    if (!transport_here()->is_plain) /* other lines have other numbers */
        return;
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n" PLUGINS);
    server_prepare(&other, "[server]\n");
    snprintf(ini, sizeof ini, "[server]\nlisten = 127.0.0.1:%u\n", s.port);
    said = refused(&other, ini, 70);
    snprintf(want, sizeof want,
             "etude.ini:5: listen: 127.0.0.1:%u: address in "
             "use",
             s.port);
    ck_assert_msg(strstr(said, want), "%s", said);
    /* A reload that wants it fails, and what serves goes on. */
    snprintf(ini, sizeof ini, "[server]\nlisten = 127.0.0.1:0\n");
    server_write(&other, ini);
    server_serve(&other);
    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0, 127.0.0.1:%u\n" PLUGINS, s.port);
    server_write(&other, ini);
    ck_assert_int_eq(server_reload(&other), 0);
    client_once(&other, GET("/life"), 404, NULL);
    ck_assert_int_eq(server_stop(&other), 0);
    client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(names_and_addresses_that_are_not_here)
{
    struct server s;
    const char *said;

    if (!transport_here()->is_plain) /* other lines have other numbers */
        return;
    server_prepare(&s, "[server]\n");
    said = refused(&s,
                   "[server]\nlisten = nosuchhost.invalid:80\n"
                   "listen = 192.0.2.1:0\n",
                   70);
    ck_assert_msg(strstr(said, "etude.ini:5: listen: nosuchhost.invalid: "
                               "cannot be resolved: "),
                  "%s", said);
    ck_assert_msg(strstr(said, "etude.ini:6: listen: 192.0.2.1:0: no interface "
                               "has this address"),
                  "%s", said);
    said = refused(&s,
                   "[server]\n[listen u]\naddress = unix:$DIR/s\n"
                   "owner = nosuchuser\n",
                   78);
    ck_assert_msg(
        strstr(said, "etude.ini:7: [listen u] owner: no such user: nosuchuser"),
        "%s", said);
    server_clean(&s);
}
END_TEST

START_TEST(a_port_below_1024_needs_a_right)
{
    struct server s;
    char command[1024], out[4096] = "";
    const char *build = getenv("T_BUILD");
    size_t n;
    FILE *f;
    int status;

    if (geteuid() != 0 || system("command -v setpriv >/dev/null") != 0) {
        fprintf(stderr, "skipped: needs root and setpriv\n");
        return;
    }
    f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    if (!f || fscanf(f, "%d", &status) != 1 || status <= 87) {
        fprintf(stderr, "skipped: port 87 is open to everybody\n");
        if (f)
            fclose(f);
        return;
    }
    fclose(f);
    server_prepare(&s, "[server]\nlisten = 127.0.0.1:87\n");
    chmod(s.dir, 0755);
    chmod(s.conf, 0644);
    snprintf(command, sizeof command,
             "cp %s/etude %s/etude && exec setpriv --reuid=65534 --regid=65534 "
             "--clear-groups --inh-caps=-all --bounding-set=-all "
             "%s/etude -c %s 2>&1",
             build ? build : "build", s.dir, s.dir, s.conf);
    f = popen(command, "re");
    n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    status = pclose(f);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 77, "%d: %s",
                  status, out);
    ck_assert_msg(strstr(out, "127.0.0.1:87: permission denied (a port below "
                              "1024 needs CAP_NET_BIND_SERVICE)"),
                  "%s", out);
    server_clean(&s);
}
END_TEST

START_TEST(connections_are_dealt_out_in_turn)
{
    struct server s;
    struct client c[8];
    int n[2] = {0, 0};

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n" PLUGINS);
    for (int i = 0; i < 8; i++) {
        struct answer a;
        c[i] = client_open(&s);
        client_puts(&c[i], GET("/life/worker"));
        a = client_answer(&c[i], 0);
        n[a.body[0] == '1']++;
        answer_free(&a);
    }
    for (int i = 0; i < 8; i++)
        client_close(&c[i]);
    ck_assert_int_eq(n[0], 4);
    ck_assert_int_eq(n[1], 4);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(more_connections_than_slots_wait_or_are_shed)
{
    struct server s;
    struct client c[33], more;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
                     "slab_capacity = 16\n" PLUGINS);
    for (int i = 0; i < 32; i++) {
        c[i] = client_open(&s);
        client_expect(&c[i], GET("/life"), 200, "life");
    }
    more = client_open(&s);
    client_puts(&more, GET("/life"));
    ck_assert(client_is_quiet(&more, 300));
    client_close(&c[5]);
    client_take(&more, 0, 200, "life");
    client_close(&more);
    c[5] = client_open(&s);
    client_expect(&c[5], GET("/life"), 200, "life");
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
                     "slab_capacity = 16\noverload = shed\n" PLUGINS);
    ck_assert_int_eq(server_reload(&s), 1);
    more = client_open(&s);
    if (transport_here()->is_plain) /* else there is no more than the end */
        client_take(&more, 0, 503, NULL);
    ck_assert(client_is_closed(&more));
    client_close(&more);
    for (int i = 0; i < 32; i++)
        client_close(&c[i]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(listen, several_addresses_of_both_families,
          a_star_is_one_socket_for_each_family, a_name_is_all_its_addresses,
          a_unix_socket_stale_live_or_something_else,
          a_unix_socket_has_its_mode_and_changes_it_by_reload,
          a_unix_socket_is_given_to_its_owner, an_address_in_use_is_told,
          names_and_addresses_that_are_not_here,
          a_port_below_1024_needs_a_right, connections_are_dealt_out_in_turn,
          more_connections_than_slots_wait_or_are_shed)
