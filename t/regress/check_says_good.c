/* SPDX-License-Identifier: BSD-2-Clause */
/* check_says_good.c - `-t` said "good" of configurations that the server then
 * refused to serve.  What it can see it says, in the words of the start. */
/* tags: asan plain */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/server.h"
#include "t/lib/unit.h"

#define LISTEN "[server]\nlisten = 127.0.0.1:0\n"

/* The first line of [server] stands in line 5: see server_write. */
static const struct {
    const char *ini, *said;
} rows[] = {
    {LISTEN "pid_file = /tmp\n",
     "etude.ini:6: [server] pid_file: cannot write /tmp: Is a directory\n"},
    {LISTEN "pid_file = /nowhere/pid\n",
     "etude.ini:6: [server] pid_file: cannot write /nowhere/pid: No such file "
     "or directory\n"},
    {LISTEN "log = /tmp\n",
     "etude.ini:6: [server] log: cannot open /tmp: Is a directory\n"},
    {LISTEN "log = /nowhere/log\n",
     "etude.ini:6: [server] log: cannot open /nowhere/log: No such file or "
     "directory\n"},
    {"[server]\n[listen a]\naddress = unix:$DIR/s\nowner = nosuch\n",
     "etude.ini:7: [listen a] owner: no such user: nosuch\n"},
    {"[server]\n[listen a]\naddress = unix:$DIR/s\nowner = root:nosuch\n",
     "etude.ini:7: [listen a] owner: no such group: root:nosuch\n"},
    {"[server]\n[listen a]\naddress = 127.0.0.1:0\nowner = root\n",
     "etude.ini:7: [listen a] owner: only a Unix socket has one\n"},
    {"[server]\n[listen a]\naddress = 127.0.0.1:0\nmode = 0600\n",
     "etude.ini:7: [listen a] mode: only a Unix socket has one\n"},
    {"[server]\nlisten = unix:/nowhere/s\n",
     "etude.ini:5: listen: unix:/nowhere/s: No such file or directory\n"},
    {"[server]\nlisten = unix:$DIR/etude.ini\n",
     "etude.ini: exists and is not a socket\n"},
    {"[server]\nlisten = *:4711\nlisten = 127.0.0.1:4711\n",
     "etude.ini:6: listen: 127.0.0.1:4711: overlaps with 0.0.0.0:4711 at "},
    {"[server]\nlisten = 127.0.0.1:4711\n[listen a]\naddress = *:4711\n",
     "etude.ini:7: listen: 0.0.0.0:4711: overlaps with 127.0.0.1:4711 at "},
    {"[server]\nlisten = nosuchhost.invalid:80\n",
     "etude.ini:5: listen: nosuchhost.invalid: cannot be resolved: "},
};

START_TEST(the_check_and_the_start_say_the_same)
{
    static const char *const check[] = {"-t", NULL};
    struct server s;
    char checked[4096], started[4096];

    server_prepare(&s, LISTEN);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *verdict;
        server_write(&s, rows[i].ini);
        ck_assert_msg(server_run(&s, check, checked, sizeof checked) == 78,
                      "%s: %s", rows[i].ini, checked);
        ck_assert_msg(strstr(checked, rows[i].said), "%s", checked);
        ck_assert_int_ge(server_run(&s, NULL, started, sizeof started), 70);
        verdict = strstr(checked, s.conf);
        while ((verdict = strchr(verdict, '\n')) != NULL &&
               strstr(verdict, "not usable") != verdict + strlen(s.conf) + 3)
            verdict++;
        ck_assert_ptr_nonnull(verdict);
        verdict[1] = '\0';
        ck_assert_str_eq(started, checked);
    }
    server_clean(&s);
}
END_TEST

/* Nothing is opened or made, and a server that runs is not in the way. */
START_TEST(the_check_leaves_everything_as_it_is)
{
    static const char *const check[] = {"-t", NULL};
    struct server s;
    char out[4096], ini[512];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0, unix:$DIR/s\n"
             "pid_file = $DIR/pid\nlog = /dev/stderr\n"
             "[listen b]\naddress = unix:$DIR/t\nowner = %u:%u\n",
             geteuid(), getegid());
    server_start(&s, ini);
    ck_assert_int_eq(server_run(&s, check, out, sizeof out), 0);
    ck_assert_msg(strstr(out, "good"), "%s", out);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(check_says_good, the_check_and_the_start_say_the_same,
          the_check_leaves_everything_as_it_is)
